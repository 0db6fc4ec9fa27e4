"""How long each token of each utterance lasted, as an aligner found it: what durations are taught with.

B batch, L tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sonorant.data.batch import Batch


class Labels:
    """Durations by the names of utterances."""

    def __init__(self, durations: Mapping[str, Tensor]) -> None:
        """durations: int64 [L] in frames, for each utterance; their sums are its frames."""
        self._durations = durations

    def of(self, batch: Batch) -> Tensor:
        """float32 [B, L], 0 at padding, on the batch's device."""
        found = torch.zeros(batch.tokens.shape)
        for item, (name, n_tokens) in enumerate(zip(batch.ids, batch.n_tokens, strict=True)):
            found[item, :n_tokens] = self._durations[name].float()
        return found.to(batch.tokens.device)

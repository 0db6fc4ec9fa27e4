"""What a discriminator of waveforms says, and the end that all of them share.

B batch, C channels, T positions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from sonorant.nn.conv import same_padding, weight_normed
from sonorant.nn.conv_cpu import activated_conv

SLOPE = 0.1
"""Of the leaky ReLUs."""
OUTPUT_KERNEL = 3


@dataclass(frozen=True)
class Judgement:
    """What one discriminator says of a batch."""

    logits: Tensor  # [B, T]; 1 is meant for real, 0 for generated
    features: tuple[Tensor, ...]  # [B, ...]: what each layer gave after its activation, and the logits

    def split(self, n: int) -> tuple[Judgement, ...]:
        """The judgements of each n items, where several batches were judged together."""
        parts = zip(self.logits.split(n), *(feature.split(n) for feature in self.features), strict=True)
        return tuple(Judgement(logits=logits, features=tuple(features)) for logits, *features in parts)


def output_layer(d: int) -> nn.Conv1d:
    """The convolution from d channels to one logit a position."""
    return weight_normed(nn.Conv1d(d, 1, OUTPUT_KERNEL, padding=same_padding(OUTPUT_KERNEL)))


def judged(x: Tensor, layers: Iterable[nn.Module], output: nn.Module) -> tuple[list[Tensor], Tensor]:
    """The activation of each layer, [B, C, T], and the logits, [B, 1, T]."""
    features = []
    for layer in layers:
        assert isinstance(layer, nn.Conv1d)
        x = activated_conv(layer, x, SLOPE)
        features.append(x)
    return features, output(x)

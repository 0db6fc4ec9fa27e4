"""Starting a voice's training from a phoneme encoder: its text encoder is taken, everything else begins anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from sonorant.config import plain
from sonorant.errors import TrainingError
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.training.stage import differences
from sonorant.training.transfer import RowTable, Source, Transferred, silence, transfer

PHONEME_ENCODER = "phoneme_encoder"
"""The system whose runs are such sources."""
_TAKEN = ("text_encoder.embedding.", "text_encoder.layers.")
_LANGUAGE = "text_encoder.language.weight"
_NOT_ITS_OWN = ("dropout", "speaker_layer", "log_std_bounds")
"""Settings of a text encoder that a phoneme encoder has otherwise, or not at all."""


def check_encoder(source: Source, *, d_hidden: int, text_encoder: TextEncoderConfig) -> None:
    """Raise TrainingError where the sizes of a text encoder are not those of the phoneme encoder it is to begin as."""
    ours = {"d_hidden": d_hidden, "text_encoder": _own(plain(text_encoder))}
    theirs = {"d_hidden": source.model["d_hidden"], "text_encoder": _own(source.model["text_encoder"])}
    if others := differences(theirs, ours, at="model"):
        raise TrainingError(f"{source.name}: has another {others[0]}; give the model the source's configuration")


def start_from_encoder(
    source: Source,
    network: nn.Module,
    *,
    d_hidden: int,
    text_encoder: TextEncoderConfig,
    symbols: Mapping[str, int],
    languages: Sequence[str],
) -> Transferred:
    """Fill the text encoder of a network in training, `network.text_encoder`, with a phoneme encoder's weights.

    d_hidden, text_encoder: the network's sizes; symbols, languages: what its rows mean. What a speaker adds to the text
    encoder begins without effect, all else as in any fresh network.
    Raises TrainingError when the sizes are not the source's.
    """
    check_encoder(source, d_hidden=d_hidden, text_encoder=text_encoder)
    outcome = transfer(
        source,
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, symbols),
            RowTable.of_lists(_LANGUAGE, source.languages, languages),
        ),
        may_be_fresh=[name for name in network.state_dict() if not name.startswith(_TAKEN)],
        may_be_left=[name for name in source.weights if not name.startswith(_TAKEN)],
    )
    silence(network, [name for name, _ in network.named_parameters() if name.startswith("text_encoder.speaker.")])
    return outcome


def _own(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in _NOT_ITS_OWN}

"""Starting a NaturalSpeech from weights that are there: a VITS's or a VITS2's, a NaturalSpeech's, a phoneme encoder's.

The first three share the phoneme encoder, the posterior, the flow and the decoder (3.1: it is VITS with other parts
around them). Everything is matched by name; what differs between the two configurations explains what begins anew and
what is left over, and anything else that does is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import ConfigError, TrainingError
from sonorant.models.encoder_start import PHONEME_ENCODER, check_encoder, start_from_encoder
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.training.stage import differences
from sonorant.training.transfer import RowTable, Source, Transferred, silence, transfer

RELATED = ("vits", "vits2")
"""Systems with the same parts, but another prior and other durations."""
_SHARED = ("text_encoder", "flow")
"""What must be of the same make."""
_EXCHANGEABLE = ("posterior", "decoder")
"""What may be of another make than the source's, and then begins anew."""
_OTHERWISE = {"dropout", "log_std_bounds", "speaker_layer"}
"""Settings that the same weights may have otherwise."""


def start_from(source: Source, network: NaturalSpeech, tables: Tables) -> Transferred:
    """Fill a network in training with a source's weights.

    Raises ConfigError when the source is of another system, and TrainingError where its weights do not fit and no
    difference of the configurations explains it.
    """
    languages = [language.code for language in tables.frontend.languages]
    if source.system == PHONEME_ENCODER:
        return start_from_encoder(
            source,
            network,
            d_hidden=network.cfg.d_hidden,
            text_encoder=network.cfg.text_encoder,
            symbols=tables.symbols,
            languages=languages,
        )
    check_source(source, network.cfg)
    is_related = source.system in RELATED
    theirs, ours = _by_our_names(source), plain(network.cfg)
    names = [*_EXCHANGEABLE, *([] if is_related else ["duration", "upsampling"])]
    others = [f"{name}.*" for name in names if _seen(theirs, name) != _seen(ours, name)]
    own = ["duration.*", "upsampling.*", "memory.*"] if is_related else ["memory.*"]
    left = ["text_encoder.output.*", "duration.*"] if is_related else []
    # A voice has left its posterior behind; a model of one speaker, or of one language, has no table.
    absent = [name for name in ("posterior.", "speaker.", "text_encoder.speaker.") if not source.has(name)]
    conditioned = ["*.condition.*"] if not source.has("speaker.") else []
    if network.speaker is None:
        left += ["speaker.*", "*.condition.*", "text_encoder.speaker.*"]
    # A memory is made anew of what the posterior will say, and a decoder goes back to hearing that itself.
    anew = ("memory.", "duration.") if is_related else ("memory.",)
    useless = [name for name in source.weights if name.startswith(anew)]
    weights = {name: tensor for name, tensor in source.weights.items() if name not in useless}
    outcome = transfer(
        Source(
            name=source.name,
            weights=weights,
            symbols=source.symbols,
            speakers=source.speakers,
            languages=source.languages,
        ),
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, tables.symbols),
            RowTable.of_lists("text_encoder.language.weight", source.languages, languages),
            RowTable.of_lists("speaker.weight", source.speakers, tables.speakers, others="mean"),
        ),
        may_be_fresh=[*own, *others, *(f"{name}*" for name in absent), *conditioned, "text_encoder.language.*"],
        may_be_resized=["posterior.input.*", *others],
        may_be_left=[*left, *others, "text_encoder.language.*"],
    )
    outcome = replace(outcome, left_over=(*outcome.left_over, *useless))
    # What a speaker adds begins without effect.
    silence(network, [n for n in outcome.fresh if ".condition." in n or n.startswith("text_encoder.speaker.")])
    return outcome


def check_source(source: Source, cfg: NaturalSpeechConfig) -> None:
    """Raise, as `start_from` would, for a source of another system or make than a network can start from."""
    if source.system == PHONEME_ENCODER:
        check_encoder(source, d_hidden=cfg.d_hidden, text_encoder=cfg.text_encoder)
        return
    if source.system not in (*RELATED, "naturalspeech"):
        raise ConfigError(
            f"{source.name}: is a {source.system!r} model, but a NaturalSpeech starts from a naturalspeech, "
            f"{' or '.join(RELATED)} or a {PHONEME_ENCODER}"
        )
    theirs, ours = _by_our_names(source), plain(cfg)
    found = [said for part in _SHARED for said in differences(theirs.get(part, {}), ours[part], at=f"model.{part}")]
    if said := next((said for said in found if not _OTHERWISE & {*said.split(":")[0].split(".")}), None):
        raise TrainingError(f"{source.name}: has another {said}; give the model the source's configuration")


def _by_our_names(source: Source) -> dict[str, Any]:
    """A source's configuration by our names: a VITS has plain couplings and sees linear spectra."""
    model = dict(source.model)
    if source.system not in RELATED:
        return model
    return {"posterior_mel": None, **model, "flow": {"coupling": {"kind": "plain"}, **model.get("flow", {})}}


def _seen(model: Mapping[str, Any], part: str) -> Any:
    """What decides a part's shapes and what it is given."""
    if part == "posterior":
        return model.get("spectrogram"), model.get("posterior_mel"), model["posterior"].get("wavenet")
    return model.get(part)

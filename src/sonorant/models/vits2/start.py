"""Starting a VITS2 from weights that are there: a VITS voice's, a VITS2 voice's, a run's or a phoneme encoder's.

Everything is matched by name. What differs between the two configurations explains what begins anew and what is left
over; anything else that does is an error. What is added begins without effect, so that a model which only gained
something speaks as before; transformers in the flow that no gate or fresh output keeps silent (`input`) and couplings
that double (`mono_post`) are heard at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from sonorant.config import parse, plain
from sonorant.data.prepare import Tables
from sonorant.errors import ConfigError, TrainingError
from sonorant.models.encoder_start import PHONEME_ENCODER, start_from_encoder
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.duration import DurationConfig
from sonorant.nn.transformer_flow import MonoInterConfig, MonoPostConfig, PlainCouplingConfig
from sonorant.training.stage import differences
from sonorant.training.transfer import RowTable, Source, Transferred, silence, transfer

SYSTEMS = ("vits", "vits2")
_PARTS = ("posterior", "duration", "decoder")
"""What may be of another make than the source's; it then begins anew where it does not fit."""
_DRAWN_OR_NOT = {"deterministic", "adversarial"}
"""Kinds of durations that share their layers; the second adds noise."""
_MOST_SAID = 3
"""Differences named in an error."""
_NOT_HEARD = {"dropout", "log_std_bounds"}
"""Settings of the text encoder and the flow that the same weights may have otherwise."""
# A speaker enters by these; of weight-normed ones the length decides.
_CONDITIONS = re.compile(r"(.*\.condition|text_encoder\.speaker)\.(weight|bias|parametrizations\.weight\.original0)")


def start_from(source: Source, network: Vits2, tables: Tables) -> Transferred:
    """Fill a network in training with a source's weights.

    Raises ConfigError when the source is of another system, and TrainingError where its weights do not fit and no
    difference of the configurations explains it, or fit but would mean something else.
    """
    cfg = network.cfg
    languages = [language.code for language in tables.frontend.languages]
    if source.system == PHONEME_ENCODER:
        return start_from_encoder(
            source,
            network,
            d_hidden=cfg.d_hidden,
            text_encoder=cfg.text_encoder,
            symbols=tables.symbols,
            languages=languages,
        )
    theirs = as_vits2(source.name, source.system, source.model)
    _refuse_silent_differences(source.name, theirs, cfg)
    differing = [part for part in _PARTS if getattr(theirs, part) != getattr(cfg, part)]
    others = [f"{part}.*" for part in differing]
    had_speakers = source.has("speaker.")
    if had_speakers and network.speaker is None:
        raise TrainingError(
            f"{source.name}: has a place for a speaker ({len(source.speakers)} there), but a model of one speaker has "
            "none; set model.keeps_single_speaker=true"
        )
    renumbered = _renumbered(source, theirs, cfg)
    useless = tuple(_of_other_kinds(source, theirs, cfg))
    outcome = transfer(
        replace(renumbered, weights={name: w for name, w in renumbered.weights.items() if name not in useless}),
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, tables.symbols),
            RowTable.of_lists("text_encoder.language.weight", source.languages, languages),
            RowTable.of_lists("speaker.weight", source.speakers, tables.speakers, others="mean"),
        ),
        may_be_fresh=(*_lacking(source, theirs, cfg), *others),
        may_be_resized=("posterior.input.*", *others),
        may_be_left=(*others, *_left_behind(source, network)),
    )
    outcome = replace(outcome, left_over=(*outcome.left_over, *useless))
    silence(network, [name for name in outcome.fresh if _CONDITIONS.fullmatch(name)])
    return outcome


def freeze_all_but(network: nn.Module, names: Sequence[str]) -> None:
    """Ask for gradients of the named parameters only."""
    chosen = set(names)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name in chosen)


def as_vits2(name: str, system: str, model: Mapping[str, Any]) -> Vits2Config:
    """A model's configuration as a VITS2's: a VITS is one with plain couplings that sees linear spectra.

    name: of what has it, for messages. Raises ConfigError for another system, or data that is no such configuration.
    """
    match system:
        case "vits":
            flow = {**model.get("flow", {}), "coupling": {"kind": "plain"}}
            data = {"text_encoder": {}, **model, "posterior_mel": None, "flow": flow}
        case "vits2":
            data = dict(model)
        case _:
            raise ConfigError(f"{name}: is a {system!r} model, but a VITS2 starts from {' or '.join(SYSTEMS)}")
    return parse(Vits2Config, data, source=f"{name}: model")


def _refuse_silent_differences(name: str, theirs: Vits2Config, ours: Vits2Config) -> None:
    """Refuse settings by which the same weights would mean something else, though all fit."""
    before, now = plain(theirs), plain(ours)
    if theirs.text_encoder.speaker_layer is None:
        before["text_encoder"]["speaker_layer"] = now["text_encoder"]["speaker_layer"]
    if isinstance(theirs.flow.coupling, PlainCouplingConfig):
        before["flow"]["coupling"] = now["flow"]["coupling"]
    found = [said for part in ("text_encoder", "flow") for said in differences(before[part], now[part], at=part)]
    heard = [said for said in found if not _NOT_HEARD & {*said.split(":")[0].split(".")}]
    if heard:
        # Of another kind most other settings are others, too.
        telling = [said for said in heard if ".kind:" in said] or heard
        first = telling[:_MOST_SAID]
        more = f" and {len(telling) - len(first)} more" if len(telling) > len(first) else ""
        raise TrainingError(
            f"{name}: has another model.{', model.'.join(first)}{more}; give the model the source's configuration, as "
            "'sonorant finetune' does of a voice"
        )


def _lacking(source: Source, theirs: Vits2Config, ours: Vits2Config) -> Iterator[str]:
    """Patterns of the weights that this source need not have, for a reason that can be seen."""
    # A voice has left behind what only training needs.
    if not source.has("posterior."):
        yield "posterior.*"
    if not source.has("duration.posterior."):
        yield from ("duration.posterior.*", "duration.flow.first.*")
    # What VITS2 adds; it begins at zero.
    if not source.has("text_encoder.speaker."):
        yield "text_encoder.speaker.*"
    if not source.has("text_encoder.language."):
        yield "text_encoder.language.*"
    if not source.has("speaker."):
        yield from ("speaker.*", "*.condition.*")
    if isinstance(theirs.duration, DurationConfig):
        yield "duration.noise.*"
    if isinstance(theirs.flow.coupling, PlainCouplingConfig):
        for coupling in range(ours.flow.n_couplings):
            match ours.flow.coupling:
                case MonoInterConfig() | MonoPostConfig():
                    yield f"flow.steps.{3 * coupling + 2}.*"
                case _:
                    yield from (f"flow.steps.{2 * coupling}.transformer.*", f"flow.steps.{2 * coupling}.gate")


def _of_other_kinds(source: Source, theirs: Vits2Config, ours: Vits2Config) -> Iterator[str]:
    """The weights of parts that work in another way here, so that equal names mean nothing."""
    for part in _PARTS:
        kinds = {getattr(getattr(cfg, part), "kind", None) for cfg in (theirs, ours)}
        if len(kinds) > 1 and kinds != _DRAWN_OR_NOT:
            yield from (name for name in source.weights if name.startswith(f"{part}."))


def _left_behind(source: Source, network: Vits2) -> Iterator[str]:
    """What of the source the network has no use for, by what it is."""
    if network.text_encoder.language is None and len(source.languages) > 1:
        yield "text_encoder.language.*"


def _renumbered(source: Source, theirs: Vits2Config, ours: Vits2Config) -> Source:
    """The source with its couplings counted as ours are: a mono flow has a third step after each coupling and flip."""
    is_mono = isinstance(ours.flow.coupling, MonoInterConfig | MonoPostConfig)
    if not is_mono or not isinstance(theirs.flow.coupling, PlainCouplingConfig):
        return source

    def counted(name: str) -> str:
        return re.sub(r"^flow\.steps\.(\d+)\.", lambda match: f"flow.steps.{int(match[1]) // 2 * 3}.", name)

    return replace(source, weights={counted(name): tensor for name, tensor in source.weights.items()})

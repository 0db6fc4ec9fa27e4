"""Starting a VITS2 from weights that are there: a VITS voice's, a VITS2 voice's or a run's.

Everything is matched by name. What differs between the two configurations explains what begins anew and what is left
over; anything else that does is an error. What is added begins without effect, so that a model which only gained
something speaks as before; transformers in the flow that no gate or fresh output keeps silent (`input`, `fft`) and
couplings that double (`mono_post`) are heard at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sonorant.audio.io import whole_file
from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import TrainingError
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.transformer_flow import MonoInterConfig, MonoPostConfig
from sonorant.training.transfer import RowTable, Source, Transferred, transfer

STARTED_FROM = "started_from.json"
SYSTEMS = ("vits", "vits2")
_PARTS = ("posterior", "duration", "decoder")
"""What may be of another make than the source's; it then begins anew where it does not fit."""
_DRAWN_OR_NOT = {"deterministic", "adversarial"}
"""Kinds of durations that share their layers; the second adds noise."""
# A speaker enters by these; of weight-normed ones the length decides.
_CONDITIONS = re.compile(r"(.*\.condition|text_encoder\.speaker)\.(weight|bias|parametrizations\.weight\.original0)")


def start_from(source: Source, network: Vits2, tables: Tables) -> Transferred:
    """Fill a network in training with a source's weights.

    Raises TrainingError when the source is of another system, or where its weights do not fit and no difference of the
    configurations explains it.
    """
    if source.system not in SYSTEMS:
        raise TrainingError(
            f"{source.name}: is a {source.system!r} model, but a VITS2 starts from {' or '.join(SYSTEMS)}"
        )
    cfg = network.cfg
    differing = set(_differing(source.model, cfg))
    others = [f"{part}.*" for part in _PARTS if part in differing]
    had_speakers = any(name.startswith("speaker.") for name in source.weights)
    if had_speakers and network.speaker is None:
        raise TrainingError(
            f"{source.name}: has a place for a speaker ({len(source.speakers)} there), but a model of one speaker has "
            "none; set model.keeps_single_speaker=true"
        )
    renumbered = _renumbered(source, cfg)
    useless = tuple(_of_other_kinds(source, cfg))
    outcome = transfer(
        replace(renumbered, weights={name: w for name, w in renumbered.weights.items() if name not in useless}),
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, tables.symbols),
            RowTable("text_encoder.language.weight", _by_place(source.languages), _languages(tables)),
            RowTable("speaker.weight", _by_place(source.speakers), _by_place(tables.speakers), others="mean"),
        ),
        may_be_fresh=(
            # A voice has left behind what only training needs.
            *("posterior.*", "duration.posterior.*", "duration.flow.first.*"),
            # What VITS2 adds; it begins at zero.
            *("text_encoder.speaker.*", "text_encoder.language.*", "duration.noise.*"),
            *("flow.steps.*.transformer.*", "flow.steps.*.gate", "flow.steps.*.output.*"),
            *(() if had_speakers else ("speaker.*", "*.condition.*")),
            *others,
        ),
        may_be_resized=("posterior.input.*", *others),
        may_be_left=(*others, *_left_behind(source, network)),
    )
    outcome = replace(outcome, left_over=(*outcome.left_over, *useless))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in outcome.fresh and _CONDITIONS.fullmatch(name):
                parameter.zero_()
    return outcome


def write_outcome(source: str, outcome: Transferred, folder: Path) -> None:
    """Write into a stage's folder what became of each weight. Raises AudioError when it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / STARTED_FROM) as part:
        report = {"source": source, **asdict(outcome)}
        part.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def freeze_all_but(network: nn.Module, names: Sequence[str]) -> None:
    """Ask for gradients of the named parameters only."""
    chosen = set(names)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name in chosen)


def _differing(theirs: Mapping[str, Any], cfg: Vits2Config) -> Iterator[str]:
    """The parts of which the two configurations say different things."""
    ours = plain(cfg)
    for part in _PARTS:
        if theirs.get(part) != ours[part]:
            yield part


def _of_other_kinds(source: Source, cfg: Vits2Config) -> Iterator[str]:
    """The weights of parts that work in another way here, so that equal names mean nothing."""
    ours = plain(cfg)
    for part in _PARTS:
        # A voice written when there was one kind of decoder does not say it.
        unsaid = "hifigan" if part == "decoder" else None
        kinds = {source.model.get(part, {}).get("kind", unsaid), ours[part].get("kind")}
        if len(kinds) > 1 and kinds != _DRAWN_OR_NOT:
            yield from (name for name in source.weights if name.startswith(f"{part}."))


def _left_behind(source: Source, network: Vits2) -> Iterator[str]:
    """What of the source the network has no use for, by what it is."""
    if network.text_encoder.language is None and len(source.languages) > 1:
        yield "text_encoder.language.*"


def _renumbered(source: Source, cfg: Vits2Config) -> Source:
    """The source with its couplings counted as ours are: a mono flow has a third step after each coupling and flip."""
    if not isinstance(cfg.flow.coupling, MonoInterConfig | MonoPostConfig):
        return source
    kind = source.model.get("flow", {}).get("coupling", {}).get("kind", "plain")
    if kind != "plain":
        return source

    def ours(name: str) -> str:
        return re.sub(r"^flow\.steps\.(\d+)\.", lambda match: f"flow.steps.{int(match[1]) // 2 * 3}.", name)

    return replace(source, weights={ours(name): tensor for name, tensor in source.weights.items()})


def _by_place(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: row for row, name in enumerate(names)}


def _languages(tables: Tables) -> Mapping[str, int]:
    return _by_place(tuple(language.code for language in tables.frontend.languages))

"""Pre-training: what is guessed, how well, and everything a run is made of.

P places asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.data.dataset import Share
from sonorant.models.phoneme_encoder.batches import MaskedBatches, MaskedPart, collate
from sonorant.models.phoneme_encoder.masking import Masked, Masking
from sonorant.models.phoneme_encoder.model import Guesses, PhonemeEncoder
from sonorant.models.phoneme_encoder.prepare import ReadingMatter, read_prepared
from sonorant.seeds import seed_of
from sonorant.text.symbols import SymbolTable
from sonorant.training.average import moving_average
from sonorant.training.loop import Training
from sonorant.training.optim import Player, set_up
from sonorant.training.step import Randomness
from sonorant.training.supervised import SupervisedStep
from sonorant.training.terms import Terms
from sonorant.training.tracker import Exhibits

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sonorant.models.phoneme_encoder.recipe import PhonemeEncoderRecipe

TERMS = ("phonemes", "sup_phonemes")
BEST_BY = "cross_entropy"
N_MEASURED = 1024
"""Sentences that are measured, spread over the split."""


class Guessing:
    """Cross-entropies of what is asked for, phoneme by phoneme, for the supervised step."""

    terms: tuple[str, ...] = TERMS

    def __init__(self, player: Player) -> None:
        self._player = player

    def __call__(self, batch: MaskedPart, step: int, wanted: frozenset[str]) -> Terms:
        del step, wanted  # both, always
        phonemes, sup_phonemes = losses(guesses(self._player, batch), batch)
        return {"phonemes": phonemes.sum() / batch.n_asked, "sup_phonemes": sup_phonemes.sum() / batch.n_asked}


def guesses(network: Player | nn.Module, batch: MaskedPart) -> Guesses:
    """What a network makes of a part."""
    said = network(
        batch.tokens,
        batch.sup_phonemes,
        batch.mask,
        is_hidden=batch.is_hidden,
        is_asked=batch.targets >= 0,
        language=batch.languages,
    )
    assert isinstance(said, Guesses), type(said)
    return said


def losses(said: Guesses, batch: MaskedPart) -> tuple[Tensor, Tensor]:
    """The cross-entropies of phonemes and of sup-phonemes: float32 [P], each."""
    is_asked = batch.targets >= 0
    phonemes = F.cross_entropy(said.phonemes.float(), batch.targets[is_asked], reduction="none")
    sup_phonemes = F.cross_entropy(said.sup_phonemes.float(), batch.sup_targets[is_asked] - 1, reduction="none")
    return phonemes, sup_phonemes


def build(recipe: PhonemeEncoderRecipe, fabric: Fabric, prepared: Path) -> Training[MaskedPart]:
    """The network, its step, the batches and the evaluation of a run."""
    matter = read_prepared(prepared)
    randomness = Randomness(recipe.seed, fabric.global_rank)
    torch.manual_seed(randomness.of("weights"))
    network = PhonemeEncoder(
        recipe.model,
        n_symbols=SymbolTable(matter.tables.symbols).n_rows,
        n_sup_phonemes=matter.sup_phonemes.size,
        n_languages=len(recipe.data.folders),
    )
    player = set_up(fabric, "encoder", network, recipe.optimizer)
    masking = Masking(recipe.masking, matter)
    of_train = np.flatnonzero(~matter.sentences.is_validation)
    return Training(
        step=SupervisedStep[MaskedPart](fabric, Guessing(player), player, recipe.losses, randomness),
        batches=MaskedBatches(
            masking,
            of_train.tolist(),
            np.diff(matter.sentences.offsets)[of_train].tolist(),
            batch_tokens=recipe.data.batch_tokens,
            seed=recipe.seed,
            workers=recipe.workers,
            share=Share(fabric.global_rank, fabric.world_size),
        ),
        average=moving_average(network, decay=recipe.average_decay),
        evaluate=Measuring(
            masking, matter, batch_tokens=recipe.data.batch_tokens, phonemes_alone=recipe.masking.phonemes_alone
        ),
        best_by=BEST_BY,
        parts=recipe.data.parts,
    )


class Measuring:
    """How a network does on sentences of the validation split, or, if there are none, on some it has learned from.

    They are masked alike each time, and read twice: with their sup-phonemes ("mixed"), and their phonemes alone.
    """

    def __init__(self, masking: Masking, matter: ReadingMatter, *, batch_tokens: int, phonemes_alone: float) -> None:
        is_validation = matter.sentences.is_validation
        rows = np.flatnonzero(is_validation if is_validation.any() else ~is_validation)
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), N_MEASURED)).round().astype(np.int64)]
        self._masking = masking
        self._rows = sorted(rows.tolist(), key=lambda row: np.diff(matter.sentences.offsets)[row])
        self._batch_tokens = batch_tokens
        self._phonemes_alone = phonemes_alone

    @torch.no_grad()
    def __call__(self, network: nn.Module, step: int) -> Exhibits:
        """metrics: perplexity and accuracy of both heads, either way of reading; cross_entropy: as in training, the
        sum of both, of the two ways in the shares they have there."""
        assert not network.training, "dropout would be measured"
        device = next(network.parameters()).device
        metrics: dict[str, float] = {}
        both: dict[bool, float] = {}
        for is_alone, way in ((True, "alone"), (False, "mixed")):
            of_head: dict[str, list[tuple[Tensor, Tensor]]] = {"phoneme": [], "sup_phoneme": []}
            for part in self._parts(is_alone):
                part = part.to(device)
                said = guesses(network, part)
                is_asked = part.targets >= 0
                logits = (said.phonemes, said.sup_phonemes)
                targets = (part.targets[is_asked], part.sup_targets[is_asked] - 1)
                for head, loss, logit, target in zip(of_head, losses(said, part), logits, targets, strict=True):
                    of_head[head].append((loss.cpu().double(), (logit.argmax(dim=1) == target).cpu().double()))
            both[is_alone] = 0.0
            for head, found in of_head.items():
                loss, is_right = (torch.cat(values) for values in zip(*found, strict=True))
                cross_entropy = float(loss.sum() / max(len(loss), 1))
                both[is_alone] += cross_entropy
                metrics[f"{head}_perplexity_{way}"] = math.exp(min(cross_entropy, 700.0))
                metrics[f"{head}_accuracy_{way}"] = float(is_right.sum() / max(len(loss), 1))
        metrics[BEST_BY] = self._phonemes_alone * both[True] + (1 - self._phonemes_alone) * both[False]
        return Exhibits(metrics)

    def _parts(self, is_alone: bool) -> Sequence[MaskedPart]:
        masked = [self._masking(row, seed_of("measured", row), alone=is_alone) for row in self._rows]
        parts: list[MaskedPart] = []
        held: list[Masked] = []
        for sentence in masked:  # the shortest first, so that the next is the longest
            if held and (len(held) + 1) * len(sentence.tokens) > self._batch_tokens:
                parts.append(collate(held, ids=["" for _ in held], n_asked=1))
                held = []
            held.append(sentence)
        return [*parts, collate(held, ids=["" for _ in held], n_asked=1)]

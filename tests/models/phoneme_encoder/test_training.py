"""Laws of the step, and that something is learned: the words that follow one another in a circle are guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sonorant.errors import ConfigError
from sonorant.models.phoneme_encoder.batches import MaskedBatches, MaskedPart, collate
from sonorant.models.phoneme_encoder.config import MaskingConfig, TextsConfig
from sonorant.models.phoneme_encoder.masking import Masking
from sonorant.models.phoneme_encoder.prepare import ReadingMatter
from sonorant.models.phoneme_encoder.recipe import PhonemeEncoderRecipe
from sonorant.models.phoneme_encoder.training import TERMS, Guessing, Measuring
from sonorant.text.standard import GivenText, StandardText, standard_config, standard_symbols
from sonorant.training.average import moving_average
from sonorant.training.devices import build_fabric
from sonorant.training.loop import RunConfig, Training, train
from sonorant.training.optim import OptimizerConfig, set_up
from sonorant.training.schedule import Exponential, Schedule
from sonorant.training.step import Randomness
from sonorant.training.supervised import SupervisedStep
from sonorant.training.tracker import LOG, read_log
from tests.models.phoneme_encoder.language import SMALL, matter, network
from tests.models.table import PLAIN

WEIGHTS: Mapping[str, Schedule] = dict.fromkeys(TERMS, 1.0)
MATTER = matter()
RUN = RunConfig(steps=4)
DATA = TextsConfig(texts=Path("texts"), language="en-us")


class Desk:
    """A network that guesses, with weights that are always the same."""

    def __init__(self, optimizer: OptimizerConfig = PLAIN) -> None:
        fabric = build_fabric("fp32", accelerator="cpu")
        self.network = network()
        player = set_up(fabric, "encoder", self.network, optimizer)
        self.guessing = Guessing(player)
        self.step = SupervisedStep[MaskedPart](fabric, self.guessing, player, WEIGHTS, Randomness(1))

    def terms(self, part: MaskedPart) -> dict[str, float]:
        with torch.no_grad():
            return {name: float(value) for name, value in self.guessing(part, 0, frozenset(TERMS)).items()}


def parts(n: int) -> list[MaskedPart]:
    """Eight sentences in so many parts."""
    masking = Masking(MaskingConfig(share=0.4), MATTER)
    masked = [masking(row, row) for row in range(8)]
    n_asked = sum(sentence.n_asked for sentence in masked)
    names = [str(row) for row in range(8)]
    return [collate(masked[start::n], ids=names[start::n], n_asked=n_asked) for start in range(n)]


def test_the_terms_of_a_batch_are_the_sums_of_its_parts() -> None:
    desk = Desk()
    of_parts = [desk.terms(part) for part in parts(3)]
    for name, value in desk.terms(parts(1)[0]).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=1e-5), name


def test_padding_changes_no_term() -> None:
    desk, (part,) = Desk(), parts(1)
    padded = replace(
        part,
        tokens=F.pad(part.tokens, (0, 7)),
        sup_phonemes=F.pad(part.sup_phonemes, (0, 7)),
        is_hidden=F.pad(part.is_hidden, (0, 7)),
        targets=F.pad(part.targets, (0, 7), value=-1),
        sup_targets=F.pad(part.sup_targets, (0, 7), value=-1),
    )
    assert desk.terms(padded) == pytest.approx(desk.terms(part), rel=1e-5)


def test_a_step_is_the_same_in_one_part_and_in_several() -> None:
    one, two = Desk(), Desk()
    assert two.step(parts(2), 0) == pytest.approx(one.step(parts(1), 0), rel=1e-4)
    for name, value in one.network.state_dict().items():
        torch.testing.assert_close(two.network.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_a_batch_that_asks_nothing_teaches_nothing_and_does_no_harm() -> None:
    desk, (part,) = Desk(), parts(1)
    nothing = replace(part, targets=torch.full_like(part.targets, -1), sup_targets=torch.full_like(part.targets, -1))
    assert desk.terms(nothing) == dict.fromkeys(TERMS, 0.0)
    assert desk.step([replace(nothing, n_asked=1)], 0)["total"] == 0


# ---- learning --------------------------------------------------------------------------------------------------------


def training(of: ReadingMatter, *, phonemes_alone: float = 0.5) -> Training[MaskedPart]:
    cfg = MaskingConfig(phonemes_alone=phonemes_alone)
    torch.manual_seed(0)
    fabric = build_fabric("fp32", accelerator="cpu")
    reader = network(replace(SMALL, text_encoder=replace(SMALL.text_encoder, window=8)))
    rate = Exponential(value=1e-2, gamma=0.995, warmup=10)
    player = set_up(fabric, "encoder", reader, OptimizerConfig(learning_rate=rate, clip_norm=1.0))
    masking = Masking(cfg, of)
    rows = np.flatnonzero(~of.sentences.is_validation)
    return Training(
        step=SupervisedStep[MaskedPart](fabric, Guessing(player), player, WEIGHTS, Randomness(1)),
        batches=MaskedBatches(
            masking, rows.tolist(), np.diff(of.sentences.offsets)[rows].tolist(), batch_tokens=1000, seed=1
        ),
        average=moving_average(reader, decay=0.9),
        evaluate=Measuring(masking, of, batch_tokens=1000, phonemes_alone=phonemes_alone),
        best_by="cross_entropy",
    )


def learned(folder: Path, *, steps: int = 80) -> Mapping[str, float]:
    folder.mkdir()
    of = matter(n_sentences=120, n_validation=24)
    run = RunConfig(steps=steps, log_every=steps, evaluate_every=steps, checkpoint_every=steps)
    assert train(build_fabric("fp32", accelerator="cpu"), training(of), run, folder)
    return next(row for row in reversed(read_log(folder / LOG)) if row["kind"] == "evaluation")


def test_words_are_guessed_from_those_around_them(tmp_path: Path) -> None:
    found = learned(tmp_path / "run")
    of = MATTER.sentences
    counts = np.bincount(of.sup_phonemes[of.sup_phonemes > 0])
    best_guess = counts.max() / counts.sum()
    assert best_guess < 0.3
    for way in ("alone", "mixed"):
        assert found[f"sup_phoneme_accuracy_{way}"] > 0.8, way
        assert found[f"phoneme_accuracy_{way}"] > 0.8, way
        assert found[f"phoneme_perplexity_{way}"] < 2.5, way


def test_it_is_measured_alike_each_time() -> None:
    of = matter(n_validation=10)
    measure = Measuring(Masking(MaskingConfig(), of), of, batch_tokens=600, phonemes_alone=0.25)
    whole = Measuring(Masking(MaskingConfig(), of), of, batch_tokens=6000, phonemes_alone=0.25)
    one = measure(network(), 1).metrics
    assert measure(network(), 2).metrics == one
    assert whole(network(), 1).metrics == pytest.approx(one, rel=1e-5)
    both = {
        way: np.log(one[f"phoneme_perplexity_{way}"]) + np.log(one[f"sup_phoneme_perplexity_{way}"])
        for way in ("alone", "mixed")
    }
    assert one["cross_entropy"] == pytest.approx(0.25 * both["alone"] + 0.75 * both["mixed"])
    assert both["alone"] != both["mixed"]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.0}, "share is 0"),
        ({"share": 1.0}, "share is 1.0"),
        ({"hidden": 0.95}, "hidden is 0.95 and replaced 0.1"),
        ({"phonemes_alone": 1.1}, "phonemes_alone is 1.1"),
        ({"replaced": -0.1}, "replaced is -0.1"),
    ],
)
def test_shares_that_are_none_are_refused(settings: Mapping[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskingConfig(**settings)


def test_blanks_are_refused() -> None:
    frontend = standard_config(["en-us"], blanks=True)
    for text in (StandardText(), GivenText(frontend=frontend, symbols=standard_symbols())):
        with pytest.raises(ConfigError, match="text has blanks between symbols"):
            PhonemeEncoderRecipe(data=DATA, run=RUN, text=text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"losses": {"mel": 1.0}}, "'mel' is no term"),
        ({"workers": -1}, "workers is -1"),
        ({"sup_phonemes": 0}, "sup_phonemes is 0"),
        ({"average_decay": 1.0}, "average_decay is 1.0"),
    ],
)
def test_settings_that_are_none_are_refused(settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PhonemeEncoderRecipe(data=DATA, run=RUN, **settings)  # type: ignore[arg-type]

"""What an evaluation says of a subject that is known in all it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.data.batch import Batch
from sonorant.data.dataset import LoaderConfig, UtteranceBatches
from sonorant.data.manifest import Split
from sonorant.data.prepare import Corpus, Prepared, read_corpus
from sonorant.errors import TrainingError, VoiceError
from sonorant.models import Synthesis
from sonorant.models.evaluation import N_MEASURED, N_SHOWN, Evaluation, Reconstruction, SteadyNoise
from tests.data.prepared_tones import HOP, RATE_HZ, write_prepared

SPECTROGRAM = SpectrogramConfig(sample_rate_hz=RATE_HZ, n_fft=2 * HOP, hop=HOP, win=2 * HOP)
MEL = MelConfig(n_mels=8)
NETWORK = nn.Identity()


@dataclass
class Echo:
    """Reconstructs what it is given, louder if told to, and says each token for so many frames in turn."""

    gain: float = 1.0
    frames: tuple[int, ...] = (10,)
    mute: frozenset[int] = frozenset()
    """Places, in the order of being asked, where it would speak without end."""

    def __post_init__(self) -> None:
        self.heard: list[str] = []
        self.noises: list[Tensor] = []

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        assert spec.shape == (1, SPECTROGRAM.n_bins, batch.n_frames[0])
        n_tokens, n_frames = batch.n_tokens[0], batch.n_frames[0]
        self.heard.append(batch.ids[0])
        durations = torch.full((1, n_tokens), n_frames // n_tokens)
        durations[0, 0] += n_frames - int(durations.sum())
        return Reconstruction(self.gain * batch.samples, durations, kl_per_frame=float(len(self.heard)))

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        self.noises.append(noise((1, 2, 3)))
        if len(self.heard) - 1 in self.mute:
            raise VoiceError("endless")
        durations = torch.tensor([[self.frames[at % len(self.frames)] for at in range(batch.n_tokens[0])]])
        n_samples = durations.sum(1) * HOP
        return Synthesis(torch.zeros(1, int(n_samples)), durations, n_samples)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return corpus_of(tmp_path / "prepared", n=6)


def corpus_of(folder: Path, *, n: int, split: Split = "validation") -> Corpus:
    """Utterances of 20 frames and more; all but the first of the given split."""
    write_prepared(folder, [20 + 3 * i for i in range(n)], split=["train", *[split] * (n - 1)])
    return read_corpus(folder)


def evaluation_of(corpus: Corpus, subject: Echo) -> Evaluation:
    batches = UtteranceBatches(
        corpus.of("train"), sample_rate_hz=RATE_HZ, hop=HOP, batch_s=9, seed=1, loader=LoaderConfig(workers=0)
    )
    return Evaluation(corpus, batches, subject=lambda network: subject, spectrogram=SPECTROGRAM, mel=MEL)


def test_a_perfect_reconstruction_is_no_distance_away_and_a_louder_one_as_far_as_it_is_louder(corpus: Corpus) -> None:
    assert evaluation_of(corpus, Echo())(NETWORK, 1).metrics["mel"] == 0
    assert evaluation_of(corpus, Echo(gain=2.0))(NETWORK, 1).metrics["mel"] == pytest.approx(math.log(2), rel=0.02)


def test_the_divergence_is_the_mean_of_what_the_subject_says(corpus: Corpus) -> None:
    assert evaluation_of(corpus, Echo())(NETWORK, 1).metrics["kl"] == pytest.approx((1 + 2 + 3 + 4 + 5) / 5)


def test_recordings_of_no_finite_numbers_are_left_out_and_told_once(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {corpus.of("validation")[1].id}
    example = UtteranceBatches.example

    def poisoned(self: UtteranceBatches, utterance: Prepared) -> Batch:
        batch = example(self, utterance)
        return replace(batch, samples=batch.samples * math.nan) if utterance.id in broken else batch

    monkeypatch.setattr(UtteranceBatches, "example", poisoned)
    evaluation = evaluation_of(corpus, Echo(mute=frozenset({0})))
    first = evaluation(NETWORK, 1)
    assert first.told == ("evaluation: left out anna.2: a sample is no finite number",)
    assert first.metrics["mel"] == 0
    assert first.metrics["unsaid"] == pytest.approx(1 / 4)
    assert evaluation(NETWORK, 2).told == ()
    broken |= {row.id for row in corpus.of("validation")}
    with pytest.raises(TrainingError, match="no finite numbers: mend or leave out such recordings"):
        evaluation(NETWORK, 3)


def test_the_length_of_speech_is_in_shares_of_the_recordings(corpus: Corpus) -> None:
    metrics = evaluation_of(corpus, Echo(frames=(10,)))(NETWORK, 1).metrics
    held_out = corpus.of("validation")
    n_tokens, n_frames = sum(len(row.tokens) for row in held_out), sum(row.n_samples // HOP for row in held_out)
    assert metrics["length"] == pytest.approx(10 * n_tokens / n_frames)
    assert metrics["unsaid"] == 0


def test_the_spread_of_durations_is_that_of_their_logarithms(corpus: Corpus) -> None:
    def spread(*frames: int) -> float:
        return evaluation_of(corpus, Echo(frames=frames))(NETWORK, 1).metrics["duration_spread"]

    assert spread(7) == 0
    assert spread(16, 4) == pytest.approx(2 * spread(8, 4), rel=1e-5)
    assert spread(2, 1) == pytest.approx(spread(2, 0), rel=1e-5)


def test_speech_of_a_single_frame_is_measured(corpus: Corpus) -> None:
    n_tokens = max(len(row.tokens) for row in corpus.of("validation"))
    short = evaluation_of(corpus, Echo(frames=(1, *[0] * n_tokens)))(NETWORK, 1)
    assert short.metrics["unsaid"] == 0
    assert all(len(sound.samples) == HOP for name, sound in short.sounds.items() if name.endswith("_said"))


def test_speech_without_end_is_counted_and_left_out(corpus: Corpus) -> None:
    some = evaluation_of(corpus, Echo(mute=frozenset({0, 3})))(NETWORK, 1)
    assert some.metrics["unsaid"] == pytest.approx(2 / 5)
    assert some.metrics["length"] > 0
    assert sum(name.endswith("_said") for name in some.sounds) == N_SHOWN - 2
    none = evaluation_of(corpus, Echo(mute=frozenset(range(5))))(NETWORK, 1)
    assert none.metrics.keys() == {"mel", "kl", "unsaid"}
    assert none.metrics["unsaid"] == 1
    assert not [name for name in {**none.sounds, **none.pictures} if name.endswith("_said")]


def test_the_first_few_are_heard_and_seen(corpus: Corpus) -> None:
    exhibits = evaluation_of(corpus, Echo())(NETWORK, 1)
    names = [f"{index}_anna_{index + 1}" for index in range(N_SHOWN)]
    assert exhibits.sounds.keys() == {f"{n}_{kind}" for n in names for kind in ("reconstructed", "recorded", "said")}
    kinds = ("alignment", "recorded", "reconstructed", "said")
    assert exhibits.pictures.keys() == {f"{n}_{kind}" for n in names for kind in kinds}
    row = corpus.of("validation")[0]
    n_frames = row.n_samples // HOP
    sound, alignment = exhibits.sounds[f"{names[0]}_recorded"], exhibits.pictures[f"{names[0]}_alignment"].values
    assert (sound.sample_rate_hz, len(sound.samples)) == (RATE_HZ, row.n_samples)
    assert alignment.shape == (len(row.tokens), n_frames)
    assert alignment.sum() == n_frames
    assert exhibits.pictures[f"{names[0]}_recorded"].values.shape == (MEL.n_mels, n_frames)


def test_what_is_said_is_said_with_the_same_noise_each_time(corpus: Corpus) -> None:
    subject = Echo()
    evaluation = evaluation_of(corpus, subject)
    evaluation(NETWORK, 1)
    torch.manual_seed(77)
    evaluation(NETWORK, 2)
    first, second = subject.noises[:5], subject.noises[5:]
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[1])
    noise = SteadyNoise(0, torch.device("cpu"))
    assert not torch.equal(noise((4,)), noise((4,)))


def test_at_most_some_are_measured_their_speakers_in_turn(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "prepared", n=N_MEASURED + 9)
    rows = corpus.of("validation")
    by_anna, by_bert = ([row for row in rows if row.speaker == speaker] for speaker in (0, 1))
    # As if nearly all were by one speaker.
    few = Corpus((*corpus.of("train"), *by_anna, *by_bert[:2]), corpus.tables)
    subject = Echo()
    evaluation_of(few, subject)(NETWORK, 1)
    assert len(subject.heard) == min(N_MEASURED, len(by_anna) + 2)
    speakers = {row.id: row.speaker for row in rows}
    assert [speakers[name] for name in subject.heard[:6]] == [0, 1, 0, 1, 0, 0]

    everyone = Echo()
    evaluation_of(corpus, everyone)(NETWORK, 1)
    assert len(everyone.heard) == N_MEASURED == len(set(everyone.heard))


def test_without_a_validation_split_it_looks_at_what_was_learned_and_says_so(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "prepared", n=3, split="train")
    subject = Echo()
    evaluation = evaluation_of(corpus, subject)
    assert not evaluation.is_held_out
    evaluation(NETWORK, 1)
    assert sorted(subject.heard) == [row.id for row in corpus.of("train")]


def test_held_out_speech_is_looked_at_where_there_is_some(corpus: Corpus) -> None:
    subject = Echo()
    evaluation = evaluation_of(corpus, subject)
    assert evaluation.is_held_out
    evaluation(NETWORK, 1)
    assert "anna.0" not in subject.heard


def test_nothing_of_an_evaluation_asks_for_a_gradient(corpus: Corpus) -> None:
    @dataclass
    class Learner(Echo):
        def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
            assert not torch.is_grad_enabled()
            return super().reconstruct(batch, spec)

    evaluation_of(corpus, Learner())(NETWORK, 1)


def test_a_name_that_is_no_file_name_is_made_one(corpus: Corpus) -> None:
    first, *others = corpus.of("validation")
    renamed = replace(first, id="../a b/ж:" + "x" * 99)
    strange = replace(corpus, utterances=(*corpus.of("train"), renamed, *others))
    names = [name for name in evaluation_of(strange, Echo())(NETWORK, 1).sounds if name.startswith("0_")]
    assert names
    assert all(not set(name) & set("./: \\") and len(name) < 80 for name in names)

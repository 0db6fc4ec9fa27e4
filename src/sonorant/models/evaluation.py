"""How a system in training does on utterances it was not trained on: numbers, sounds and pictures, alike for all.

B batch, L tokens, T frames, N samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.data.dataset import UtteranceBatches
from sonorant.data.prepare import Corpus, Prepared
from sonorant.data.shards.batches import ShardedBatches
from sonorant.errors import TrainingError, VoiceError
from sonorant.losses.spectral import mel_distance
from sonorant.models import Synthesis
from sonorant.nn.alignment import path_of
from sonorant.training.tracker import Exhibits, Picture, Sound

N_MEASURED = 32
N_SHOWN = 4


@dataclass(frozen=True)
class Reconstruction:
    """An utterance through posterior, alignment and decoder.

    weights: how much each frame hears of each token, where that is not the durations' path. own_weight: what a frame
    hears of its own token, then.
    """

    samples: Tensor  # [1, N]
    durations: Tensor  # int64 [1, L]
    kl_per_frame: float
    weights: Tensor | None = None  # [1, L, T]
    own_weight: float | None = None


class Subject(Protocol):
    """A network ready for inference, as the evaluation sees it. Batches hold one utterance."""

    @property
    def device(self) -> torch.device: ...

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        """spec: [1, n_bins, T], linear magnitudes of the batch."""
        ...

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        """Its text. Raises VoiceError where that would be endless."""
        ...


class Evaluation:
    """Says and reconstructs some utterances of the validation split; of the training split, if there is no other."""

    def __init__(
        self,
        corpus: Corpus,
        batches: UtteranceBatches | ShardedBatches,
        *,
        subject: Callable[[nn.Module], Subject],
        spectrogram: SpectrogramConfig,
        mel: MelConfig,
    ) -> None:
        """subject: from the network in training."""
        held_out = corpus.of("validation")
        self.is_held_out = bool(held_out)
        self._utterances = _spread(held_out or corpus.of("train"), N_MEASURED)
        self._batches = batches
        self._subject = subject
        self._spectrogram = spectrogram
        self._mel = mel

    @torch.no_grad()
    def __call__(self, network: nn.Module, step: int) -> Exhibits:
        """What holds samples that are no finite numbers is left out from then on, and told.

        metrics: mel, the distance of reconstructions; kl, for each frame; own_weight, see `Reconstruction`; unsaid,
        the share whose speech would be endless; length, of speech said, in shares of the recordings'; duration_spread,
        of tokens said, in shares of that of the recordings'. sounds and pictures: of the first few. Raises
        TrainingError where nothing is left."""
        subject = self._subject(network)
        mel, kl, own_weights, said, recorded, n_unsaid = [], [], [], 0, 0, 0
        of_said: list[Tensor] = []
        of_recorded: list[Tensor] = []
        sounds: dict[str, Sound] = {}
        pictures: dict[str, Picture] = {}
        broken: list[Prepared] = []
        for index, utterance in enumerate(self._utterances):
            batch = self._batches.example(utterance).to(subject.device)
            if not batch.samples.isfinite().all():
                broken.append(utterance)
                continue
            spec = linear_spectrogram(batch.samples, self._spectrogram)
            seen = subject.reconstruct(batch, spec)
            recorded_mel = mel_spectrogram(spec, self._spectrogram, self._mel)
            seen_mel = self._mel_of(seen.samples)
            mel.append(float(mel_distance(seen_mel, recorded_mel)))
            kl.append(seen.kl_per_frame)
            own_weights += [] if seen.own_weight is None else [seen.own_weight]
            spoken = _said(subject, batch, seed=index)
            if spoken is None:
                n_unsaid += 1
            else:
                said, recorded = said + int(spoken.lengths), recorded + utterance.n_samples
                of_said.append(spoken.frames_per_token[0])
                of_recorded.append(seen.durations[0])
            if index < N_SHOWN:
                name = f"{index}_{_file_name(utterance.id)}"
                sounds[f"{name}_reconstructed"] = self._sound(seen.samples)
                sounds[f"{name}_recorded"] = self._sound(batch.samples)
                path = path_of(seen.durations, spec.shape[2]) if seen.weights is None else seen.weights
                pictures[f"{name}_alignment"] = Picture(_array(path), "frame", "token")
                pictures[f"{name}_recorded"] = Picture(_array(recorded_mel), "frame", "mel band")
                pictures[f"{name}_reconstructed"] = Picture(_array(seen_mel), "frame", "mel band")
                if spoken is not None:
                    sounds[f"{name}_said"] = self._sound(spoken.samples)
                    pictures[f"{name}_said"] = Picture(_array(self._mel_of(spoken.samples)), "frame", "mel band")
        self._utterances = tuple(utterance for utterance in self._utterances if utterance not in broken)
        if not mel:
            raise TrainingError(
                f"evaluation: the samples of {broken[0].id}, as of all others it looks at, are no finite numbers: mend "
                "or leave out such recordings ('sonorant corpus check' names them)"
            )
        metrics = {
            "mel": float(np.mean(mel)),
            "kl": float(np.mean(kl)),
            **({"own_weight": float(np.mean(own_weights))} if own_weights else {}),
            "unsaid": n_unsaid / len(mel),
            **({"length": said / recorded, "duration_spread": _spread_ratio(of_said, of_recorded)} if recorded else {}),
        }
        told = tuple(f"evaluation: left out {each.id}: a sample is no finite number" for each in broken)
        return Exhibits(metrics, sounds, pictures, told)

    def _mel_of(self, samples: Tensor) -> Tensor:
        """[1, N] -> [1, M, T]. What was said may be too short to have a spectrum; silence follows it then."""
        samples = F.pad(samples, (0, max(0, self._spectrogram.n_fft - samples.shape[1])))
        return mel_spectrogram(linear_spectrogram(samples, self._spectrogram), self._spectrogram, self._mel)

    def _sound(self, samples: Tensor) -> Sound:
        return Sound(samples[0].float().cpu().numpy(), self._spectrogram.sample_rate_hz)


class SteadyNoise:
    """Normal noise that is the same at every evaluation."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self._device = device

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=self._device)


def _said(subject: Subject, batch: Batch, *, seed: int) -> Synthesis | None:
    """A text said by the network; None where a young one asks for endless speech, which is no reason to stop a run."""
    try:
        return subject.say(batch, SteadyNoise(seed, subject.device))
    except VoiceError:
        return None


def _spread_ratio(said: list[Tensor], recorded: list[Tensor]) -> float:
    """The standard deviation of the log-durations of tokens said, in shares of that of the recorded."""
    deviations = [torch.cat(group).clamp(min=1).float().log().std() for group in (said, recorded)]
    return float(deviations[0] / deviations[1].clamp(min=1e-3))


def _spread(utterances: tuple[Prepared, ...], n: int) -> tuple[Prepared, ...]:
    """At most n of them, taken from the speakers in turn."""
    by_speaker: dict[int, list[Prepared]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    longest = max(map(len, by_speaker.values()))
    turns = [group[turn] for turn in range(longest) for group in by_speaker.values() if turn < len(group)]
    return tuple(turns[:n])


def _array(x: Tensor) -> NDArray[np.float32]:
    """[1, R, C] -> [R, C]."""
    values: NDArray[np.float32] = x[0].float().cpu().numpy()
    return values


def _file_name(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in text)[:60]


def own_weight(weights: Tensor, durations: Tensor) -> float:
    """How much weight a frame gives to its own token, on average: 1 where each hears that alone.

    weights: [1, L, T], at each frame summing to one over tokens; durations: int64 [1, L]. Where it falls far below a
    half, frames hear the mean of a text.
    """
    path = path_of(durations, weights.shape[2])
    return float((weights * path).sum() / weights.shape[2])

"""How a VITS in training does on utterances it was not trained on: numbers, sounds and pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.data.dataset import UtteranceBatches
from sonorant.data.prepare import Corpus, Prepared
from sonorant.data.shards.batches import ShardedBatches
from sonorant.errors import VoiceError
from sonorant.losses.divergence import sampled_kl
from sonorant.losses.spectral import mel_distance
from sonorant.models import Synthesis
from sonorant.models.vits.model import Purpose, Vits
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import ItemNoise, expand, log_likelihood
from sonorant.nn.mask import length_mask, pair_mask
from sonorant.training.tracker import Exhibits, Picture, Sound

N_MEASURED = 32
N_SHOWN = 4


class Evaluation:
    """Says and reconstructs some utterances of the validation split; of the training split, if there is no other."""

    def __init__(
        self, corpus: Corpus, batches: UtteranceBatches | ShardedBatches, spec: SpectrogramConfig, mel: MelConfig
    ) -> None:
        held_out = corpus.of("validation")
        self.is_held_out = bool(held_out)
        self._utterances = _spread(held_out or corpus.of("train"), N_MEASURED)
        self._batches = batches
        self._spec = spec
        self._mel = mel

    @torch.no_grad()
    def __call__(self, network: nn.Module, step: int) -> Exhibits:
        """metrics: mel, the distance of reconstructions; kl, for each frame; unsaid, the share whose speech would
        be endless; length, of speech said, in shares of the recordings'. sounds and pictures: of the first
        few."""
        assert isinstance(network, Vits)
        network = network.for_inference(Purpose.CONVERSION)
        device = network.text_encoder.embedding.weight.device
        mel, kl, said, recorded, n_unsaid = [], [], 0, 0, 0
        sounds: dict[str, Sound] = {}
        pictures: dict[str, Picture] = {}
        for index, utterance in enumerate(self._utterances):
            batch = self._batches.example(utterance).to(device)
            seen = _Seen(network, batch, self._spec, self._mel)
            mel.append(float(mel_distance(seen.reconstructed_mel, seen.mel)))
            kl.append(seen.kl_per_frame)
            spoken = _said(network, batch, _Noise(index, device))
            if spoken is None:
                n_unsaid += 1
            else:
                said, recorded = said + int(spoken.lengths), recorded + utterance.n_samples
            if index < N_SHOWN:
                name = f"{index}_{_file_name(utterance.id)}"
                sounds[f"{name}_reconstructed"] = self._sound(seen.reconstructed)
                sounds[f"{name}_recorded"] = self._sound(batch.samples)
                pictures[f"{name}_alignment"] = Picture(seen.alignment, "frame", "token")
                pictures[f"{name}_recorded"] = Picture(_array(seen.mel), "frame", "mel band")
                pictures[f"{name}_reconstructed"] = Picture(_array(seen.reconstructed_mel), "frame", "mel band")
                if spoken is not None:
                    sounds[f"{name}_said"] = self._sound(spoken.samples)
                    of_speech = linear_spectrogram(spoken.samples, self._spec)
                    said_mel = mel_spectrogram(of_speech, self._spec, self._mel)
                    pictures[f"{name}_said"] = Picture(_array(said_mel), "frame", "mel band")
        metrics = {
            "mel": float(np.mean(mel)),
            "kl": float(np.mean(kl)),
            "unsaid": n_unsaid / len(self._utterances),
            **({"length": said / recorded} if recorded else {}),
        }
        return Exhibits(metrics, sounds, pictures)

    def _sound(self, samples: Tensor) -> Sound:
        return Sound(samples[0].float().cpu().numpy(), self._spec.sample_rate_hz)


class _Seen:
    """One utterance through posterior, alignment and decoder."""

    def __init__(self, network: Vits, batch: Batch, spec_cfg: SpectrogramConfig, mel_cfg: MelConfig) -> None:
        assert network.posterior is not None
        spec = linear_spectrogram(batch.samples, spec_cfg)
        token_mask = length_mask(batch.token_lengths, batch.tokens.shape[1])
        frame_mask = length_mask(batch.frame_lengths, spec.shape[2])
        speaker = network.embed(batch.speakers)
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device)
        prior = network.text_encoder(batch.tokens, token_mask)
        drawn = noise.per_frame(network.cfg.d_latent, spec.shape[2])
        posterior = network.posterior(spec, frame_mask, drawn, speaker)
        z_p = network.flow(posterior.z, frame_mask, speaker)
        value = log_likelihood(z_p, prior.mean, prior.log_std)
        durations = monotonic_alignment(value, pair_mask(token_mask, frame_mask))
        kl = sampled_kl(
            z_p=z_p,
            posterior_log_std=posterior.log_std,
            prior_mean=expand(prior.mean, durations, spec.shape[2]),
            prior_log_std=expand(prior.log_std, durations, spec.shape[2]),
            mask=frame_mask,
        )
        self.kl_per_frame = float(kl) / batch.n_frames[0]
        self.reconstructed = network.decoder.decode_in_windows(posterior.mean, speaker).squeeze(1)
        self.mel = mel_spectrogram(spec, spec_cfg, mel_cfg)
        self.reconstructed_mel = mel_spectrogram(linear_spectrogram(self.reconstructed, spec_cfg), spec_cfg, mel_cfg)
        path = expand(torch.eye(batch.tokens.shape[1], device=spec.device).unsqueeze(0), durations, spec.shape[2])
        self.alignment = _array(path)


class _Noise:
    """Normal noise that is the same at every evaluation."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self._device = device

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=self._device)


def _said(network: Vits, batch: Batch, noise: _Noise) -> Synthesis | None:
    """A text said by the network; None where a young one asks for endless speech, which is no reason to stop a run."""
    try:
        return network.synthesize(batch.tokens, batch.token_lengths, batch.speakers, noise=noise)
    except VoiceError:
        return None


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

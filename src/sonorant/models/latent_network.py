"""What all networks of the VITS family do alike: know their speakers and languages, decode latents, convert speech.

B batch, C channels, T frames, N = T * hop samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_spectrogram
from sonorant.errors import ConfigError, ParameterError
from sonorant.models import Purpose
from sonorant.nn.conv import fold_weight_norm, folded_state
from sonorant.nn.decoder import Decoder
from sonorant.nn.flow import Flow
from sonorant.nn.harmonic_head import HarmonicHead
from sonorant.nn.latent import Noise, SampleNoise, sliced
from sonorant.nn.mask import length_mask
from sonorant.nn.posterior import Posterior, PosteriorEncoder

if TYPE_CHECKING:
    from typing_extensions import Self


def condition_width(d_speaker: int, n_speakers: int, *, keeps_single: bool = False) -> int:
    """Channels of a speaker's embedding; 0 where nothing is conditioned, as with one speaker.

    keeps_single: one speaker has an embedding, too. Raises ConfigError if it has no channels.
    """
    if n_speakers <= 1 and not keeps_single:
        return 0
    if not d_speaker:
        raise ConfigError("model.d_speaker is 0: a model that tells speakers apart needs at least 1")
    return d_speaker


class LatentNetwork(nn.Module):
    """With one speaker there is no speaker table, and nothing is conditioned; `speaker` arguments are then not looked
    at, nor are `language` arguments where there is one language."""

    posterior: PosteriorEncoder | None
    flow: Flow
    decoder: Decoder
    by_speaker: ClassVar[tuple[str, ...]] = ("speaker.weight",)
    """Names of the weights that have a row for each speaker."""

    def __init__(
        self,
        *,
        spectrogram: SpectrogramConfig,
        posterior_mel: MelConfig | None,
        n_symbols: int,
        n_speakers: int,
        n_languages: int,
        d_cond: int,
    ) -> None:
        """posterior_mel: what the posterior sees; None for linear magnitudes. d_cond: 0 where there is no condition."""
        super().__init__()
        self.spectrogram = spectrogram
        self.posterior_mel = posterior_mel
        self.n_symbols = n_symbols
        self.n_speakers = n_speakers
        self.n_languages = n_languages
        self.speaker = nn.Embedding(n_speakers, d_cond) if d_cond else None

    def another(self, purpose: Purpose) -> Self:
        """A fresh network of the same sizes for another purpose."""
        raise NotImplementedError

    @property
    def noises(self) -> frozenset[str]:
        """See `Synthesizer.noises`."""
        raise NotImplementedError

    def for_inference(self, purpose: Purpose = Purpose.SPEAKING) -> Self:
        """A copy in evaluation mode that holds only what the purpose needs; it gives the same speech."""
        assert purpose is not Purpose.TRAINING, "a copy for training is no copy for inference"
        model = self.another(purpose).to(next(self.decoder.parameters()))
        state = folded_state(self)
        model.load_state_dict({name: state[name] for name in model.state_dict()})
        return model

    def fold(self) -> None:
        """Make it a network for inference, once all its parts are there."""
        fold_weight_norm(self)
        self.eval()

    def embed(self, speaker: Tensor | None) -> Tensor | None:
        """Speakers, int64 [B], as what the parts are conditioned on: [B, d_cond, 1]; None without a table.

        Raises ParameterError where there are several and none is named.
        """
        if self.speaker is None:
            return None
        if speaker is None:
            raise ParameterError(f"the model has {self.n_speakers} speakers: say which is to speak")
        embedding: Tensor = self.speaker(speaker).unsqueeze(2)
        return embedding

    def said_in(self, language: Tensor | None) -> Tensor | None:
        """The languages, int64 [B], as they came. Raises ParameterError where there are several and none is named."""
        if self.n_languages > 1 and language is None:
            raise ParameterError(f"the model has {self.n_languages} languages: say which is to be spoken")
        return language

    def seen(self, spec: Tensor) -> Tensor:
        """What the posterior sees of linear magnitudes: [B, n_bins, T] -> [B, n_bins or M, T]."""
        if self.posterior_mel is None:
            return spec
        return mel_spectrogram(spec, self.spectrogram, self.posterior_mel)

    def decode(
        self,
        z: Tensor,
        mask: Tensor,
        embedding: Tensor | None,
        *,
        first_frame: int = 0,
        pitch_hz: Tensor | None = None,
    ) -> Tensor:
        """The samples of latent frames, in windows: [B, C, T] -> [B, N], 0 past an item's end.

        first_frame: where they begin in a longer latent. pitch_hz: [B, T], for decoders that find pitch: what to say
        instead of that, 0 where there is to be no voice.
        """
        z = self.given(z, mask)
        padded = mask if z.shape[0] > 1 else None  # one item alone fills its batch
        if isinstance(self.decoder, HarmonicHead):
            samples = self.decoder.decode_in_windows(z, embedding, padded, first_frame=first_frame, pitch_hz=pitch_hz)
            return samples.squeeze(1)
        return self.decoder.decode_in_windows(z, embedding, padded).squeeze(1)

    def given(self, z: Tensor, mask: Tensor) -> Tensor:
        """What the decoder is given of latent frames, [B, C, T], 0 at padding: here they themselves."""
        return z

    def decode_slices(
        self,
        z: Tensor,
        mask: Tensor,
        starts: Tensor,
        n_frames: int,
        embedding: Tensor | None,
        *,
        pitch_hz: Tensor | None,
        noise: SampleNoise,
    ) -> tuple[Tensor, Tensor | None]:
        """The samples of slices in training, and how far the decoder's own idea of their pitch lies from the true one.

        z: [B, C, T]; mask: [B, 1, T]; starts: int64 [B], the slices' first frames; what they reach past the end is
        silence. pitch_hz: [B, T], 0 where there is no voice; None where it is not known. noise: asked, if the decoder
        is one that filters, for its sources. Returns [B, 1, n_frames * hop], and [B] if the decoder finds pitch.
        """
        given = self.given(sliced(z, starts, n_frames), sliced(mask, starts, n_frames))
        if not isinstance(self.decoder, HarmonicHead):
            samples: Tensor = self.decoder(given, embedding)
            return samples, None
        told = None if pitch_hz is None else sliced(pitch_hz.unsqueeze(1), starts, n_frames).squeeze(1)
        n = n_frames * self.spectrogram.hop
        white = noise.normal(1, [n] * len(z), n).squeeze(1)
        return self.decoder.learn(given, embedding, pitch_hz=told, noise=white, phase=noise.uniform())

    def convert(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        noise: Noise,
        first_frame: int = 0,
    ) -> Tensor:
        """The same speech by another of the model's speakers: posterior, flow there and back (VITS, appendix C).

        spec: [B, n_bins, T] linear magnitudes; spec_lengths, source, target: int64 [B].
        noise: asked once for [B, C, T]. first_frame: where the spectrograms begin in longer recordings.
        Returns [B, N], 0 past an item's end. Raises ParameterError where it cannot.
        """
        if self.posterior is None:
            raise ParameterError("this voice has no posterior encoder, so it cannot convert speech")
        if self.n_speakers == 1:
            raise ParameterError("this voice has one speaker, so there is no other to convert to")
        mask = length_mask(spec_lengths, spec.shape[2])
        of_source, of_target = self.embed(source), self.embed(target)
        frame_noise = noise((spec.shape[0], self.posterior.d_latent, spec.shape[2]))
        posterior: Posterior = self.posterior(self.seen(spec), mask, frame_noise, of_source)
        z_p = self.flow(posterior.z, mask, of_source)
        return self.decode(self.flow.reverse(z_p, mask, of_target), mask, of_target, first_frame=first_frame)

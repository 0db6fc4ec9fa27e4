"""Networks of p0p4k's VITS2 (github.com/p0p4k/vits2_pytorch, MIT), from their weights and their config.json.

Much is said twice, by the names and shapes of the weights and by flags of the config.json. Where the flags are silent
the weights are believed; where the two contradict each other, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.config import plain
from sonorant.errors import ImportingError
from sonorant.models.vits2.config import Vits2Config
from sonorant.nn.transformer_flow import TransformerFlowConfig
from sonorant.voice.interchange.weights_layout import ForeignModel
from sonorant.voice.interchange.weights_p0p4k import coupling_of, to_ours
from sonorant.voice.interchange.weights_vits import (
    OFFICIAL_KEYS,
    n_symbols_in,
    network_config,
    section,
    sizes_from_official,
    unknown_keys,
)

_SPEAKER_LAYER = 2
"""Before which the speaker is added in the text encoder; p0p4k's program knows no other."""
_N_MELS = 80
"""Bands of a mel spectrogram where the config.json says none."""
_FLAGS = {
    "model": "use_mel_posterior_encoder use_transformer_flows transformer_flow_type use_spk_conditioned_encoder "
    "use_noise_scaled_mas mas_noise_scale_initial noise_scale_delta use_duration_discriminator "
    "duration_discriminator_type",
    "data": "use_mel_posterior_encoder",
}
"""Keys of each section of a config.json that the official VITS has not."""
_WEIGHTS = re.compile(
    r"enc_p\.encoder\.spk_emb_linear\..+|flow\.flows\.\d+\.(pre_transformer|post_transformer|enc\.self_attn_layers)\..+"
)
"""Weights that the official VITS has not."""
_DESCENDANTS = re.compile(r"enc_p\.(\w*bert_proj\w*|style_proj|tone_emb|language_emb|emb_tone|emb_lang\w*)\..+")


def refuse_descendants(state: Mapping[str, Tensor], *, source: str) -> None:
    """Raise ImportingError for weights of Bert-VITS2 and MeloTTS, which are VITS2 and more."""
    if strange := next((name for name in state if _DESCENDANTS.fullmatch(name)), None):
        raise ImportingError(
            f"{source}: is a checkpoint of Bert-VITS2 or MeloTTS, by {strange}; it reads tones, languages and features "
            "of BERT, for which sonorant has no place"
        )


def is_p0p4k(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> bool:
    """Whether weights under the official names, or the config.json beside them, have what the official VITS has not."""
    sections = {name: found for name in _FLAGS if isinstance(found := config.get(name), dict)}
    if any(key in found for name, found in sections.items() for key in _FLAGS[name].split()):
        return True
    n_mels = sections.get("data", {}).get("n_mel_channels", _N_MELS)
    return _posterior_width(state) == n_mels or any(_WEIGHTS.fullmatch(name) for name in state)


def read_p0p4k(
    state: Mapping[str, Tensor], config: object, *, source: str = "the checkpoint", about: str = "config.json"
) -> ForeignModel:
    """A model from the state in a `G_*.pth`, and the contents of the config.json that belongs to it.

    source, about: what they are called in errors.
    Raises ImportingError when either is not VITS2's, and where they contradict each other.
    """
    cfg, n_speakers = config_from_p0p4k(state, config, source=source, about=about)
    known = {name: f"{keys} {_FLAGS.get(name, '')}" for name, keys in OFFICIAL_KEYS.items()}
    return ForeignModel(
        cfg=cfg,
        n_symbols=n_symbols_in(state, source=source),
        n_speakers=n_speakers,
        state=to_ours(state, source=source),
        unknown=unknown_keys(config, known),
    )


def config_from_p0p4k(
    state: Mapping[str, Tensor], config: object, *, source: str = "the checkpoint", about: str = "config.json"
) -> tuple[Vits2Config, int]:
    """The network's configuration, and its speakers. Arguments and errors as for `read_p0p4k`."""
    sizes, n_speakers = sizes_from_official(config, source=about)
    model, audio = section(config, "model", about), section(config, "data", about)
    sizes["posterior_mel"] = _posterior_mel(state, sizes, model, audio, source=source, about=about)
    has_speaker_layer = _has_speaker_layer(state, model, source=source, about=about)
    sizes["text_encoder"]["speaker_layer"] = _SPEAKER_LAYER if has_speaker_layer else None
    _flag(model, "model", "use_transformer_flows", about)
    sizes["flow"] = plain(TransformerFlowConfig(coupling=coupling_of(state, model, source=source)))
    sizes["duration"] = {"kind": _duration_kind(state, model, source=source, about=about)}
    return network_config(Vits2Config, sizes, source=about), n_speakers


def _posterior_mel(
    state: Mapping[str, Tensor],
    sizes: Mapping[str, Any],
    model: Mapping[str, Any],
    audio: Mapping[str, Any],
    *,
    source: str,
    about: str,
) -> dict[str, Any] | None:
    """The mel spectrogram that the posterior sees; None where it sees linear magnitudes, or is not there."""
    plain_mel = {
        "n_mels": audio.get("n_mel_channels", _N_MELS),
        "f_min_hz": audio.get("mel_fmin", 0.0),
        "f_max_hz": audio.get("mel_fmax"),
    }
    n_mels = network_config(MelConfig, plain_mel, source=f"{about}: data").n_mels
    n_bins = network_config(SpectrogramConfig, sizes["spectrogram"], source=f"{about}: data").n_bins
    width = _posterior_width(state)
    if width is None:
        return None
    flags = [
        _flag(found, name, "use_mel_posterior_encoder", about) for name, found in (("model", model), ("data", audio))
    ]
    for name, said in zip(("model", "data"), flags, strict=True):
        if said is not None and width != (n_mels if said else n_bins):
            raise ImportingError(
                f"{source}: its posterior sees {width} channels, but {about} says "
                f"{name}.use_mel_posterior_encoder {_json(said)}, expected {n_mels if said else n_bins}"
            )
    if width not in {n_mels, n_bins}:
        raise ImportingError(
            f"{source}: its posterior sees {width} channels, expected {n_mels} mel bands or {n_bins} bins, by {about}"
        )
    return plain_mel if width == n_mels else None


def _has_speaker_layer(state: Mapping[str, Tensor], model: Mapping[str, Any], *, source: str, about: str) -> bool:
    has = "enc_p.encoder.spk_emb_linear.weight" in state
    said = _flag(model, "model", "use_spk_conditioned_encoder", about)
    if said and not model.get("gin_channels"):
        return has  # Without speakers their program does not look at the flag.
    if said is not None and said != has:
        raise ImportingError(
            f"{source}: {'has' if has else 'lacks'} enc_p.encoder.spk_emb_linear, but {about} says "
            f"model.use_spk_conditioned_encoder {_json(said)}"
        )
    return has


def _duration_kind(state: Mapping[str, Tensor], model: Mapping[str, Any], *, source: str, about: str) -> str:
    draws = any(name.startswith("dp.flows.") for name in state)
    said = _flag(model, "model", "use_sdp", about)
    if said is not None and said != draws:
        raise ImportingError(
            f"{source}: {'has' if draws else 'lacks'} dp.flows, but {about} says model.use_sdp {_json(said)}"
        )
    return "stochastic" if draws else "deterministic"


def _flag(found: Mapping[str, Any], name: str, key: str, about: str) -> bool | None:
    """A flag of a section; None where it is not said."""
    said = found.get(key)
    if said is not None and not isinstance(said, bool):
        raise ImportingError(f"{about}: {name}.{key} is {said!r}, expected true or false")
    return said


def _posterior_width(state: Mapping[str, Tensor]) -> int | None:
    """Channels of what the posterior sees; None without a posterior, or with something else in its place."""
    weight = state.get("enc_q.pre.weight")
    return None if weight is None or weight.ndim != 3 else weight.shape[1]


def _json(said: bool) -> str:
    return "true" if said else "false"

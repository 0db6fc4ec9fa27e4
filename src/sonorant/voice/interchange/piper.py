"""Piper voices: an `.onnx` model with its `.onnx.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sonorant.config import config, parse, read_json
from sonorant.errors import ConfigError, ImportingError
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.phonemize import CharactersConfig
from sonorant.text.symbols import TokenLayout
from sonorant.voice.interchange import weights_piper
from sonorant.voice.interchange.imported import Imported, Overrides, espeak_language, language_config
from sonorant.voice.manifest import SynthesisSettings

_BEGIN, _END, _PAD = "^", "$", "_"


def read_piper(source: Path, overrides: Overrides) -> Imported:
    """Read a Piper voice. Raises ImportingError when its configuration or its graph is not one we know."""
    about = source.with_name(source.name + ".json")
    if not about.is_file():
        raise ImportingError(f"{source}: a Piper voice needs its configuration beside it, expected {about.name}")
    try:
        said = parse(_PiperJson, _known(read_json(about), about), source=str(about))
    except ConfigError as error:
        raise ImportingError(str(error)) from None
    symbols = _symbols(said.phoneme_id_map, about)
    network = weights_piper.read_network(source, sample_rate_hz=said.audio.sample_rate)
    n_speakers = max(1, said.num_speakers)
    if network.n_speakers != n_speakers:
        raise ImportingError(f"{about}: num_speakers is {n_speakers}, but the model has {network.n_speakers}")
    return Imported(
        name=overrides.name or source.stem,
        network=network,
        symbols=symbols,
        frontend=FrontendConfig(
            languages=(_language(said, overrides, about),),
            layout=TokenLayout(begin=_BEGIN, end=_END, blank=_PAD),
            unicode_form="NFD",
        ),
        speakers=_speakers(said, n_speakers, about),
        synthesis=SynthesisSettings(
            length_scale=said.inference.length_scale,
            noise_scale=said.inference.noise_scale,
            noise_scale_duration=said.inference.noise_w,
        ),
        licence=overrides.licence,
        source=source.name,
        notes=(
            "Imported from a Piper voice. It has no posterior encoder, so it cannot convert voices, "
            "and fine-tuning it must first train one.",
        ),
    )


@config
class _Audio:
    sample_rate: int


@config
class _Espeak:
    voice: str = ""


@config
class _Inference:
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8


@config
class _PiperJson:
    """The keys of a `.onnx.json` that decide how a voice sounds."""

    audio: _Audio
    phoneme_id_map: Mapping[str, tuple[int, ...]]
    espeak: _Espeak = _Espeak()
    inference: _Inference = _Inference()
    phoneme_type: str = "espeak"
    num_speakers: int = 1
    speaker_id_map: Mapping[str, int] | None = None


def _known(data: object, about: Path) -> dict[str, Any]:
    """Only the keys read here: the file also holds descriptions, which differ from one Piper to the next."""
    if not isinstance(data, dict):
        raise ImportingError(f"{about}: holds a {type(data).__name__}, expected a Piper configuration object")
    wanted = {"audio": ("sample_rate",), "espeak": ("voice",), "inference": ("noise_scale", "length_scale", "noise_w")}
    known = {key: data[key] for key in _PiperJson.__annotations__ if key in data}
    for key, inner in wanted.items():
        if isinstance(known.get(key), dict):
            known[key] = {name: value for name, value in known[key].items() if name in inner}
    return known


def _symbols(phoneme_id_map: Mapping[str, tuple[int, ...]], about: Path) -> dict[str, int]:
    symbols: dict[str, int] = {}
    for symbol, ids in phoneme_id_map.items():
        if len(ids) != 1:
            raise ImportingError(f"{about}: the symbol {symbol!r} has {len(ids)} ids, expected one")
        symbols[symbol] = ids[0]
    if missing := [mark for mark in (_BEGIN, _END, _PAD) if mark not in symbols]:
        raise ImportingError(f"{about}: phoneme_id_map lacks {', '.join(map(repr, missing))}")
    return symbols


def _language(said: _PiperJson, overrides: Overrides, about: Path) -> LanguageConfig:
    if overrides.symbols is not None:
        raise ImportingError(f"{about}: says its symbols itself; leave out --symbols")
    if said.phoneme_type == "espeak":
        if overrides.language is not None:
            raise ImportingError(f"{about}: says its language itself, {said.espeak.voice!r}; leave out --language")
        if not said.espeak.voice:
            raise ImportingError(f"{about}: phoneme_type is 'espeak' but espeak.voice is missing")
        return espeak_language(said.espeak.voice)
    if said.phoneme_type == "text":
        if overrides.language is None:
            raise ImportingError(f"{about}: the voice reads characters and does not say its language; give --language")
        return language_config(overrides.language, CharactersConfig())
    raise ImportingError(f"{about}: phoneme_type is {said.phoneme_type!r}; 'espeak' and 'text' can be imported")


def _speakers(said: _PiperJson, n_speakers: int, about: Path) -> tuple[str, ...]:
    if n_speakers == 1:
        return ("default",)
    names = said.speaker_id_map or {str(index): index for index in range(n_speakers)}
    if sorted(names.values()) != list(range(n_speakers)):
        raise ImportingError(f"{about}: speaker_id_map does not name the speakers 0 to {n_speakers - 1}")
    return tuple(sorted(names, key=lambda name: names[name]))

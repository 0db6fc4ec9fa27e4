"""transformers `VitsModel` folders, the MMS voices among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sonorant.config import read_json
from sonorant.errors import ConfigError, ImportingError
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.phonemize import CharactersConfig
from sonorant.text.symbols import TokenLayout
from sonorant.voice.interchange import weights_transformers
from sonorant.voice.interchange.imported import Imported, Overrides, espeak_language, language_config
from sonorant.voice.manifest import SynthesisSettings


def read_transformers(source: Path, overrides: Overrides) -> Imported:
    """Read a VitsModel folder with its tokenizer. Raises ImportingError when it is not one we know."""
    if overrides.symbols is not None:
        raise ImportingError(f"{source}: vocab.json says its symbols; leave out --symbols")
    about = _object(source / "config.json")
    if about.get("model_type") != "vits":
        raise ImportingError(f"{source / 'config.json'}: model_type is {about.get('model_type')!r}, expected 'vits'")
    tokenizer = _object(source / "tokenizer_config.json")
    if tokenizer.get("is_uroman"):
        raise ImportingError(f"{source}: its tokenizer needs uroman romanisation, which sonorant does not have")
    symbols = _symbols(source / "vocab.json")
    network = weights_transformers.read_network(source)
    by_id = {row: symbol for symbol, row in symbols.items()}
    if 0 not in by_id:
        raise ImportingError(f"{source / 'vocab.json'}: no symbol has id 0, which the tokenizer uses as its blank")
    blank = by_id[0] if tokenizer.get("add_blank", True) else None
    phonemized = bool(tokenizer.get("phonemize", False))
    return Imported(
        name=overrides.name or source.name,
        network=network,
        symbols=symbols,
        frontend=FrontendConfig(
            languages=(_language(source, tokenizer, overrides, phonemized=phonemized),),
            layout=TokenLayout(blank=blank, blank_at_ends=blank is not None),
            marks=';:,.!?¡¿—…"«»“”' if phonemized else "'-.,!?;:–",
            mark_runs="all",
            word_break=" " if " " in symbols else "",
        ),
        speakers=("default",)
        if network.n_speakers == 1
        else tuple(f"speaker {index}" for index in range(network.n_speakers)),
        synthesis=SynthesisSettings(
            length_scale=1.0 / _rate(about, source),
            noise_scale=_number(about, "noise_scale", 0.667, source),
            noise_scale_duration=_number(about, "noise_scale_duration", 0.8, source),
        ),
        licence=overrides.licence,
        source=source.name,
        notes=("Imported from a transformers VitsModel.",),
    )


def _language(source: Path, tokenizer: dict[str, Any], overrides: Overrides, *, phonemized: bool) -> LanguageConfig:
    code = overrides.language or tokenizer.get("language")
    if not isinstance(code, str) or not code:
        raise ImportingError(f"{source / 'tokenizer_config.json'}: does not say the language; give --language")
    if phonemized:
        # The tokenizer phonemizes with en-us whatever the language; only English voices of this kind exist.
        return espeak_language("en-us" if code.split("-")[0] in {"en", "eng"} else code)
    return language_config(code, CharactersConfig(lower=bool(tokenizer.get("normalize", True))))


def _number(about: dict[str, Any], key: str, default: float, source: Path) -> float:
    value = about.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 100:
        raise ImportingError(f"{source / 'config.json'}: {key} is {value!r}, expected a number from 0 to 100")
    return float(value)


def _rate(about: dict[str, Any], source: Path) -> float:
    rate = _number(about, "speaking_rate", 1.0, source)
    if rate == 0:
        raise ImportingError(f"{source / 'config.json'}: speaking_rate is 0, expected a number above 0")
    return rate


def _symbols(path: Path) -> dict[str, int]:
    vocab = _object(path)
    if not vocab or not all(isinstance(row, int) and row >= 0 and symbol for symbol, row in vocab.items()):
        raise ImportingError(f"{path}: expected symbols with their ids")
    return vocab


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ImportingError(f"{path.parent}: {path.name} is missing; expected a transformers VitsModel folder")
    try:
        data = read_json(path)
    except ConfigError as error:
        raise ImportingError(str(error)) from None
    if not isinstance(data, dict):
        raise ImportingError(f"{path}: holds a {type(data).__name__}, expected an object")
    return data

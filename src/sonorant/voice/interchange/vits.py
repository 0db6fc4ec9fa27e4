"""Checkpoints of the official VITS, p0p4k's VITS2 and heatz123's NaturalSpeech: `G_*.pth` with the `config.json` of
its training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sonorant.config import read_json
from sonorant.errors import ConfigError, ImportingError
from sonorant.text.frontend import FrontendConfig
from sonorant.text.standard import vits_symbols
from sonorant.text.symbols import TokenLayout
from sonorant.voice.interchange.config_heatz123 import read_heatz123
from sonorant.voice.interchange.config_p0p4k import is_p0p4k, read_p0p4k, refuse_descendants
from sonorant.voice.interchange.imported import Imported, Overrides, espeak_language
from sonorant.voice.interchange.weights_heatz123 import is_heatz123
from sonorant.voice.interchange.weights_layout import ForeignModel
from sonorant.voice.interchange.weights_vits import load_official, read_official
from sonorant.voice.manifest import SynthesisSettings

# The cleaners of the three repositories that we know how to follow, and the espeak-ng voice they use.
_CLEANERS = {"english_cleaners2": "en-us", "english_cleaners3": "en-us"}


def read_vits(source: Path, overrides: Overrides) -> Imported:
    """Read a checkpoint of any of the three, told by what it has. The weights are unpickled as weights only.

    Raises ImportingError when the configuration is missing or contradicts the weights, or when its symbols or language
    are not said.
    """
    about = source.with_name("config.json")
    if not about.is_file():
        raise ImportingError(f"{source}: a checkpoint of VITS needs config.json beside it; {about} is missing")
    try:
        said = read_json(about)
    except ConfigError as error:
        raise ImportingError(str(error)) from None
    if not isinstance(said, dict) or not isinstance(said.get("data"), dict):
        raise ImportingError(f"{about}: has no 'data' section, expected an official VITS configuration")
    state = load_official(source)
    refuse_descendants(state, source=str(source))
    network, kind = _network(state, said, source=str(source), about=str(about))
    symbols = _symbols(said, overrides, about)
    n_rows = network.n_symbols
    if n_rows != max(symbols.values()) + 1:
        raise ImportingError(
            f"{source}: its embedding has {n_rows} rows, but the symbols number {max(symbols.values()) + 1}; "
            "give the symbols it was trained with: --symbols FILE.json"
        )
    names = said.get("speakers") if isinstance(said.get("speakers"), list) else None
    n_speakers = network.n_speakers
    return Imported(
        name=overrides.name or source.stem,
        network=network,
        symbols=symbols,
        frontend=FrontendConfig(
            languages=(espeak_language(_espeak_voice(said, overrides, about)),),
            layout=_layout(said, symbols, about),
            marks=';:,.!?¡¿—…"«»“”',
            mark_runs="all",
            word_break=" " if " " in symbols else "",
        ),
        speakers=tuple(map(str, names))
        if names and len(names) == n_speakers
        else ("default",)
        if n_speakers == 1
        else tuple(f"speaker {index}" for index in range(n_speakers)),
        synthesis=SynthesisSettings(),
        licence=overrides.licence,
        source=source.name,
        notes=(
            f"Imported from {kind}.",
            *(
                (f"Keys of its config.json that were not used: {', '.join(network.unknown)}.",)
                if network.unknown
                else ()
            ),
        ),
    )


def _network(
    state: Mapping[str, Tensor], said: Mapping[str, Any], *, source: str, about: str
) -> tuple[ForeignModel, str]:
    """The network, and what kind of checkpoint it is from."""
    if is_heatz123(state):
        return read_heatz123(state, said, source=source, about=about), "a checkpoint of heatz123's NaturalSpeech"
    if is_p0p4k(state, said):
        return read_p0p4k(state, said, source=source, about=about), "a checkpoint of p0p4k's VITS2"
    return read_official(state, said, source=source, about=about), "an official VITS checkpoint"


def _symbols(said: dict[str, object], overrides: Overrides, about: Path) -> dict[str, int]:
    """Symbols from --symbols, from the configuration as many forks write them, else the official ones."""
    if overrides.symbols is not None:
        try:
            listed = read_json(overrides.symbols)
        except ConfigError as error:
            raise ImportingError(str(error)) from None
        place = str(overrides.symbols)
    elif "symbols" in said:
        listed, place = said["symbols"], f"{about}: symbols"
    else:
        return vits_symbols()
    if not isinstance(listed, list) or not listed or not all(isinstance(symbol, str) and symbol for symbol in listed):
        raise ImportingError(f"{place}: expected a list of symbols in the order of their ids")
    return {symbol: row for row, symbol in enumerate(listed)}


def _espeak_voice(said: dict[str, object], overrides: Overrides, about: Path) -> str:
    if overrides.language is not None:
        return overrides.language
    data = said["data"]
    cleaners = data.get("text_cleaners") if isinstance(data, dict) else None
    if isinstance(cleaners, list) and len(cleaners) == 1 and cleaners[0] in _CLEANERS:
        return _CLEANERS[cleaners[0]]
    raise ImportingError(f"{about}: text_cleaners is {cleaners!r}, which does not tell the language; give --language")


def _layout(said: dict[str, object], symbols: dict[str, int], about: Path) -> TokenLayout:
    data = said["data"]
    if not isinstance(data, dict) or not data.get("add_blank", True):
        return TokenLayout()
    by_id = {row: symbol for symbol, row in symbols.items()}
    if 0 not in by_id:
        raise ImportingError(f"{about}: add_blank is set, but no symbol has id 0")
    return TokenLayout(blank=by_id[0], blank_at_ends=True)

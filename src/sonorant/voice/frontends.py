"""A voice's text front end, without loading its weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sonorant.errors import VoiceError
from sonorant.text.frontend import Frontend, LanguageConfig
from sonorant.text.lexicon import Lexicon
from sonorant.text.standard import standard_frontend as text_only_frontend
from sonorant.text.symbols import SymbolTable
from sonorant.voice import bundle as bundles
from sonorant.voice.bundle import Bundle
from sonorant.voice.manifest import VoiceManifest


def frontend_for(
    bundle: Bundle, language: str | None = None, *, lexicon: Mapping[str, str] | Lexicon | None = None
) -> Frontend:
    """The way from text to a voice's tokens. Lexicons decide in this order: the call's, the voice's, the user's.

    Raises VoiceError for a language the voice does not speak, TextError for a broken lexicon.
    """
    chosen = _language(bundle.manifest, language)
    lexicons = [*_of_call(lexicon), *_of_voice(bundle), *_of_user(chosen.code)]
    return Frontend(bundle.manifest.frontend, chosen, SymbolTable(bundle.manifest.symbols), lexicons=lexicons)


def standard_frontend(language: str, *, lexicon: Mapping[str, str] | Lexicon | None = None) -> Frontend:
    """A language's front end with the standard symbols, where no voice is at hand. Raises TextError, ConfigError."""
    return text_only_frontend(language, lexicons=[*_of_call(lexicon), *_of_user(language)])


def _language(manifest: VoiceManifest, language: str | None) -> LanguageConfig:
    known = manifest.frontend.languages
    if language is None:
        return known[0]
    asked = language.replace("_", "-").lower()
    exact = [candidate for candidate in known if candidate.code.lower() == asked]
    # "en" asks for any English the voice has; "en-gb" of a voice that has only "en-us" is a mistake.
    wide = [candidate for candidate in known if candidate.code.lower().split("-")[0] == asked]
    if not exact and not wide:
        codes = ", ".join(candidate.code for candidate in known)
        raise VoiceError(f"voice {manifest.name!r} does not speak {language!r}; it speaks {codes}")
    return (exact or wide)[0]


def _of_call(lexicon: Mapping[str, str] | Lexicon | None) -> Iterator[Lexicon]:
    if isinstance(lexicon, Lexicon):
        yield lexicon
    elif lexicon:
        yield Lexicon(lexicon, name="this call")


def _of_voice(bundle: Bundle) -> Iterator[Lexicon]:
    path = bundle.folder / bundles.LEXICON
    if path.is_file():
        yield Lexicon.read(path, name=f"voice {bundle.manifest.name}")


def _of_user(language: str) -> Iterator[Lexicon]:
    """The user's own lexicons for a language: en-us.txt before en.txt."""
    import platformdirs

    home = os.environ.get("SONORANT_HOME")
    folder = (Path(home) if home else Path(platformdirs.user_config_dir("sonorant"))) / "lexicons"
    code = language.lower().replace("_", "-")
    for name in dict.fromkeys((code, code.split("-")[0])):
        path = folder / f"{name}.txt"
        if path.is_file():
            yield Lexicon.read(path)

"""Voice folders: write them whole, find them by name, read them and check what they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sonorant.config import parse, plain, read_json
from sonorant.errors import ConfigError, VoiceError, VoiceNotFoundError
from sonorant.voice.manifest import VoiceManifest

MANIFEST = "voice.json"
WEIGHTS = "model.safetensors"
CHECK = "check.json"
CARD = "README.md"
LEXICON = "lexicon.txt"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Bundle:
    """A voice folder whose manifest has been read and whose files are there."""

    folder: Path
    manifest: VoiceManifest

    @classmethod
    def read(cls, folder: Path, *, verify: bool = True) -> Bundle:
        """Read a folder. verify: compare every component with its SHA-256.

        Raises VoiceError when the folder is no voice, a component is missing, or its contents have changed.
        """
        if not folder.is_dir():
            raise VoiceError(f"{folder}: there is no such voice folder")
        if not (folder / MANIFEST).is_file():
            raise VoiceError(f"{folder}: is no voice folder, for it has no {MANIFEST}")
        try:
            manifest = parse(VoiceManifest, read_json(folder / MANIFEST), source=str(folder / MANIFEST))
        except ConfigError as error:
            raise VoiceError(str(error)) from None
        bundle = cls(folder, manifest)
        for name, expected in manifest.components.items():
            path = bundle.component(name)
            if verify and (found := sha256(path)) != expected:
                raise VoiceError(
                    f"{path}: its SHA-256 is {found[:12]}…, but {MANIFEST} says {expected[:12]}…: "
                    "the file is damaged or was changed; import or download the voice again"
                )
        return bundle

    def component(self, name: str) -> Path:
        """The path of a component. Raises VoiceError when it is missing or lies outside the folder."""
        path = self.folder / name
        if Path(name).name != name:
            raise VoiceError(f"{self.folder / MANIFEST}: component {name!r} is a path, expected a file name")
        if not path.is_file():
            raise VoiceError(f"{self.folder}: the component {name} is missing; import or download the voice again")
        return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises VoiceError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise VoiceError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: VoiceManifest) -> None:
    """Write `voice.json` into a folder under construction."""
    text = json.dumps(plain(manifest), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def write_whole(out: Path, build: Callable[[Path], None], *, replace: bool = False) -> None:
    """Let `build` fill a folder that becomes `out` only when it is complete.

    replace: an `out` that is there already gives way at the end, and comes back if the new one cannot take its place.
    Raises VoiceError when `out` exists and is not to be replaced, or when it cannot be written.
    """
    taken = VoiceError(f"{out}: exists already; choose another folder or remove it")
    if out.exists() and not replace:
        raise taken
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    old = out.with_name(f".{out.name}.{secrets.token_hex(4)}.old")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise VoiceError(f"{out}: cannot be written ({error.strerror})") from None
    try:
        build(part)
        if replace and out.exists():
            out.rename(old)
        try:
            # rename() puts a folder only where there is none, or an empty one.
            part.rename(out)
        except OSError as error:
            if old.exists():
                old.rename(out)
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                raise taken from None
            raise
    except OSError as error:
        raise VoiceError(f"{out}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def voices_home() -> Path:
    """Where the user's voices live: $SONORANT_HOME/voices, else the platform's data folder."""
    import platformdirs

    home = os.environ.get("SONORANT_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("sonorant"))) / "voices"


def cached_voices() -> Path:
    """Where voices lie that can be made again: $SONORANT_HOME/cache/voices, else the platform's cache folder."""
    import platformdirs

    home = os.environ.get("SONORANT_HOME")
    return (Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("sonorant"))) / "voices"


def embedded_voices() -> Path:
    """Where the voices lie that come with the package."""
    return Path(__file__).parent.parent / "voices"


def _homes() -> tuple[Path, ...]:
    """In the order in which a name is looked up."""
    return voices_home(), cached_voices(), embedded_voices()


def installed() -> Iterator[Path]:
    """Folders of the user's voices, then of the cached ones, then of those in the package, each by name."""
    for home in _homes():
        if home.is_dir():
            yield from sorted(
                path.parent for path in home.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")
            )


def is_name(text: str) -> bool:
    """Whether a text can be the name of a voice; a path with a folder in it cannot."""
    return _NAME.fullmatch(text) is not None


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The folder of a voice given by its path, or by its name among the installed ones. Raises VoiceError."""
    text = str(name_or_path)
    try:
        path = Path(name_or_path).expanduser()
    except RuntimeError:
        raise VoiceError(f"{text}: there is no such user's home; name a voice or a folder") from None
    if not text.strip() or "\0" in text:
        raise VoiceError(f"found {text!r}, expected a voice's name or the path of its folder")
    if len(text) > 4096 or any(len(part) > 255 for part in path.parts):
        raise VoiceError(f"found {text[:24]!r}…, {len(text)} characters: that is no voice's name or path")
    if not is_name(text) or (path / MANIFEST).is_file():
        return path
    for home in _homes():
        if (home / text).is_dir():
            return home / text
    if path.is_dir():
        return path
    known = ", ".join(folder.name for folder in installed()) or "none yet"
    raise VoiceNotFoundError(
        f"there is no voice {text!r}: not a folder here, and not among the installed voices ({known}); "
        "see 'sonorant voices list'"
    )

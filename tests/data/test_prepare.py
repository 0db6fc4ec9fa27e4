"""What training reads of a corpus, from the manifest of tones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sonorant.data.manifest import read_manifest, write_manifest
from sonorant.data.prepare import UTTERANCES, Framing, prepare, read_corpus
from sonorant.data.selection import Selection
from sonorant.errors import CorpusError
from sonorant.text.standard import standard_config, standard_symbols
from tests.corpora import write_corpus


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", n=4, validation=0)


def prepared(manifest: Path, *, batch_s: float = 60.0) -> Path:
    folder = manifest.parent / "prepared"
    folder.mkdir()
    framing = Framing(sample_rate_hz=16_000, hop=256, min_frames=16)
    prepare(
        manifest,
        folder,
        selection=Selection(),
        frontend=standard_config(["en-us"]),
        symbols=standard_symbols(),
        framing=framing,
        batch_s=batch_s,
    )
    return folder


def test_an_utterance_that_fits_no_batch_is_said_before_texts_are_read(
    manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sonorant.data.prepare.read_text", lambda *_: pytest.fail("a text was read"))
    with pytest.raises(CorpusError, match=r"a batch holds 0\.1 s: raise data\.batch_s"):
        prepared(manifest, batch_s=0.1)


def test_texts_and_names_may_hold_line_separators(manifest: Path) -> None:
    first, *others = read_manifest(manifest)
    odd = replace(first, id="u\u2028\x85", text="One\u2028two.", speaker="a\u2029nn")
    write_manifest(manifest, [odd, *others])
    corpus = read_corpus(prepared(manifest))
    assert corpus.utterances[0].id == odd.id
    assert odd.speaker in corpus.tables.speakers
    assert len(corpus.utterances) == 4


def test_a_speaker_without_training_utterances_is_left_out(manifest: Path) -> None:
    # ann, bob, ann, bob: all of bob's are for validation.
    rows = [replace(u, split="validation") if u.speaker == "bob" else u for u in read_manifest(manifest)]
    write_manifest(manifest, rows)
    folder = prepared(manifest)
    corpus = read_corpus(folder)
    assert corpus.tables.speakers == ("ann",)
    assert {utterance.speaker for utterance in corpus.utterances} == {0}
    assert (folder / "dropped.jsonl").read_text().count("its speaker has nothing to train on") == 2


def test_damage_to_what_was_prepared_is_said(manifest: Path) -> None:
    path = prepared(manifest) / UTTERANCES
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(CorpusError, match=r"utterances\.jsonl: is damaged"):
        read_corpus(path.parent)
    path.write_bytes(b"\xff\n")
    with pytest.raises(CorpusError, match=r"utterances\.jsonl: is damaged"):
        read_corpus(path.parent)

"""What is to be said comes from files, one sentence a line, for the languages they are given for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.errors import TextError
from sonorant.evaluation.texts import read_texts


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"en.txt": "\ufeffOne.\n\n Two. \r\nThree.", "mx.txt": "Uno.\n", "a=b.txt": "Odd."}.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path


def test_sentences_are_lines_with_something_in_them(write: Path) -> None:
    found = read_texts(["en.txt"]).of("en-us", is_first=True)
    assert found is not None
    assert found.sentences == ("One.", "Two.", "Three.")
    assert [found.id_of(index) for index in range(2)] == ["text-001", "text-002"]
    limited = read_texts(["en.txt"], limit=2).of("ru", is_first=True)
    assert limited is not None
    assert limited.sentences == ("One.", "Two.")


def test_a_file_without_a_language_is_for_a_voices_first_one(write: Path) -> None:
    assert read_texts(["en.txt"]).of("en-us", is_first=False) is None


def test_a_file_is_for_its_language_in_every_region_unless_that_has_its_own(write: Path) -> None:
    texts = read_texts(["es=en.txt", "es-419=mx.txt"])
    named = {language: texts.of(language, is_first=False) for language in ("es", "es-419", "es-es", "en")}
    assert {language: found and found.name for language, found in named.items()} == {
        "es": "es", "es-419": "es-419", "es-es": "es", "en": None,
    }  # fmt: skip


def test_an_equals_sign_in_the_name_of_a_file_names_no_language(write: Path) -> None:
    found = read_texts(["a=b.txt"]).of("en", is_first=True)
    assert found is not None
    assert found.sentences == ("Odd.",)


@pytest.mark.parametrize(
    ("given", "content", "message"),
    [
        (["none.txt"], b"", "none.txt: cannot be read"),
        (["en=bad.txt"], b"", "is empty"),
        (["bad.txt"], b"\n \n", "is empty"),
        (["bad.txt"], b"\xff\xfe", "UTF-8"),
        (["bad.txt"], b"Word.\n...\n", "line 2: holds no word"),
        (["en=en.txt", "EN=mx.txt"], b"", "given already"),
        (["en.txt", "mx.txt"], b"", "given already"),
        (["."], b"", "cannot be read"),
    ],
)
def test_what_cannot_be_said_is_refused(write: Path, given: list[str], content: bytes, message: str) -> None:
    (write / "bad.txt").write_bytes(content)
    with pytest.raises(TextError, match=message):
        read_texts(given)

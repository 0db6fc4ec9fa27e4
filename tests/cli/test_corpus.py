"""`sonorant corpus list` and `import`."""

from __future__ import annotations

import pytest

from sonorant.cli.main import main


def test_list_names_every_corpus_and_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    from sonorant.data.corpora import CORPORA

    assert main(["corpus", "list"]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(CORPORA)
    for corpus in CORPORA.values():
        assert corpus.title in told
        assert corpus.licence in told

"""What is not installed is named in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

from sonorant.errors import MissingExtraError
from sonorant.evaluation.alignment import align
from sonorant.evaluation.cepstra import mel_cepstra
from sonorant.evaluation.likeness import SpeakerEncoder
from sonorant.evaluation.quality import QualityJudge
from sonorant.evaluation.recognition import error_rates


@pytest.mark.parametrize(
    ("module", "package", "measure"),
    [
        ("jiwer", "jiwer", lambda: error_rates(["a"], ["a"], language="en")),
        ("resemblyzer", "resemblyzer", SpeakerEncoder),
        ("speechmos.dnsmos", "speechmos", QualityJudge),
        ("pyworld", "pyworld-prebuilt", lambda: mel_cepstra(np.zeros(9, np.float32), 16_000, f0_hz=np.zeros(1))),
        ("librosa", "librosa", lambda: align(np.zeros((1, 1)), np.zeros((1, 1)))),
    ],
)
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str, measure: Callable[[], object]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as caught:
        measure()
    assert f"'{package}'" in str(caught.value)
    assert "pip install 'sonorant[evaluate]'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_package_needs_itself_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "resemblyzer"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(MissingExtraError, match="'resemblyzer' with 'webrtcvad'"):
        SpeakerEncoder()


def test_importing_the_instruments_imports_no_package() -> None:
    import subprocess

    modules = "jiwer resemblyzer speechmos swift_f0 pyworld librosa"
    code = (
        "import sys, sonorant.evaluation.comparison, sonorant.evaluation.likeness, sonorant.evaluation.quality,"
        f" sonorant.evaluation.recognition; print([m for m in '{modules}'.split() if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

"""Voices for tests: a tiny one with random weights, and the real joe, each made once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from sonorant import Voice

settings.register_profile("ours", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small tensors are slower on several threads, above all on a machine that is busy."""
    import torch

    torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Networks are made with the same weights in every run of a test, whatever ran before it, in fixtures too."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of sonorant's own, so that no test sees or touches the user's voices."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get("SONORANT_HOME")
    os.environ["SONORANT_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["SONORANT_HOME"]
    else:
        os.environ["SONORANT_HOME"] = before


@pytest.fixture(scope="session")
def tiny_folder(home: Path) -> Path:
    """A voice folder with a tiny random VITS: two speakers, English and Spanish. It is installed as `tiny`."""
    from tests.tiny import write_tiny_voice

    folder = home / "voices" / "tiny"
    write_tiny_voice(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Voice:
    from sonorant import load_voice

    return load_voice(tiny_folder)


@pytest.fixture(scope="session")
def joe_folder() -> Path:
    """The real voice joe, imported from its package."""
    from sonorant.voice.packaged import folder

    return folder()


@pytest.fixture(scope="session")
def joe(joe_folder: Path) -> Voice:
    from sonorant import load_voice

    return load_voice(joe_folder)

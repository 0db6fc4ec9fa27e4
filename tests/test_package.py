"""The package as a whole: its public names, its imports, its documents."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sonorant
from sonorant.cli.main import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

IMPORT_ALL = """
import importlib, locale, logging, os, pkgutil, random, threading, warnings
import numpy, torch

def state():
    return (
        dict(os.environ), os.getcwd(), locale.setlocale(locale.LC_ALL), threading.active_count(),
        list(logging.root.handlers), list(warnings.filters), random.getstate(), numpy.random.get_state()[1].tolist(),
        torch.random.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(),
    )

before = state()
import sonorant
for module in pkgutil.walk_packages(sonorant.__path__, "sonorant."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert before == state()
"""


def test_public_names_are_sorted_and_there() -> None:
    assert sonorant.__all__ == sorted(sonorant.__all__)
    for name in sonorant.__all__:
        assert getattr(sonorant, name) is not None
    with pytest.raises(AttributeError):
        _ = sonorant.nothing


def test_importing_any_module_changes_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def python_blocks() -> list[tuple[str, str]]:
    return [
        (f"{path.name}-{index}", block)
        for path in DOCUMENTS
        for index, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
    ]


@pytest.mark.parametrize(("name", "block"), python_blocks(), ids=[name for name, _ in python_blocks()])
def test_python_in_the_documents_runs(
    joe_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, block: str
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, name, "exec"), {})


def commands() -> list[str]:
    """Every `sonorant ...` command in a shell block of the documents, without what follows its options."""
    found = []
    for path in DOCUMENTS:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            found += re.findall(r"(?:^|\| )sonorant ([^#|\n]+)", block, re.MULTILINE)
    return found


@pytest.mark.parametrize("command", commands())
def test_commands_in_the_documents_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = re.findall(r"(?<=\s)--?[a-z][a-z-]*", command)
    verb = [command.split()[0]]
    if verb[0] in ("voices", "corpus"):
        verb.append(command.split()[1])
    assert main([*verb, "--help"]) == 0
    told = capsys.readouterr().out
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", told))
    assert set(options) <= known


def test_examples_run(joe_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "say.py"), str(tmp_path / "a.wav")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Hello" in done.stdout
    assert (tmp_path / "a.wav").stat().st_size > 10_000


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "DESIGN.md"], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert link.startswith("http") or (path.parent / link).exists(), link


def test_the_tree_in_the_design_is_the_tree() -> None:
    """Every file that DESIGN.md names in its tree exists."""
    tree = (ROOT / "DESIGN.md").read_text(encoding="utf-8").split("## The tree")[1].split("```")[1]
    named = set(re.findall(r"[a-z_]+\.py", tree))
    there = {path.name for path in (ROOT / "src" / "sonorant").rglob("*.py")}
    assert named <= there


def test_the_example_draws_a_runs_curves(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    rows = [{"kind": "step", "step": step, "generator/mel": 1 / step, "generator/kl": 1.0} for step in range(1, 9)]
    rows.append({"kind": "evaluation", "step": 8, "mel": 0.5})
    (tmp_path / "train" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, str(ROOT / "examples" / "curves.py"), *[str(tmp_path)] * 2, str(tmp_path / "curves.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 curves of 16 steps" in done.stdout
    assert (tmp_path / "curves.png").stat().st_size > 5_000


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_is_a_recipe(path: Path) -> None:
    from sonorant.config import read_yaml
    from sonorant.models.recipes import parse_recipe

    parse_recipe(read_yaml(path), source=str(path))


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_images_are_made_of_files_that_are_there_and_sent(name: str) -> None:
    lines = (ROOT / "docker" / name).read_text(encoding="utf-8").splitlines()
    copied = {source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]}
    assert {"src", "pyproject.toml"} <= copied
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in sent, source


def test_the_embedded_voice_has_the_model_of_its_recipe() -> None:
    from sonorant.config import plain, read_yaml
    from sonorant.models.recipes import parse_recipe
    from sonorant.models.vits2.recipe import Vits2Recipe

    recipe = parse_recipe(read_yaml(ROOT / "configs/vits2/asterisk.yaml"), source="asterisk.yaml")
    assert isinstance(recipe, Vits2Recipe)
    voice = json.loads((ROOT / "src/sonorant/voices/asterisk/voice.json").read_text())
    assert voice["system"] == recipe.system
    assert voice["model"] == json.loads(json.dumps(plain(recipe.model)))

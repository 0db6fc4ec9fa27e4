from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sonorant.errors import TrainingError
from sonorant.training.stage import RECORD, Stage, check_settings, differences, is_begun, is_worth_keeping, run_stages


class Alone:
    """One process."""

    is_global_zero = True

    def barrier(self) -> None:
        """Nobody to wait for."""

    def broadcast(self, obj: bool) -> bool:
        return obj


class Kitchen:
    """Two stages: the second reads what the first gave. Counts how often each ran."""

    def __init__(self, run: Path, source: Path) -> None:
        self.run, self.source = run, source
        self.ran: list[str] = []
        self.told: list[str] = []
        self.finishes = True

    def stages(self, *, heat: int = 1, goal: int = 1) -> tuple[Stage, ...]:
        def chop(folder: Path) -> bool:
            self.ran.append("chop")
            (folder / "pieces").write_text(self.source.read_text().upper())
            return True

        def cook(folder: Path) -> bool:
            self.ran.append("cook")
            (folder / "soup").write_text((self.run / "chop" / "pieces").read_text() * goal)
            return self.finishes

        return (
            Stage("chop", {}, lambda: {"the carrots": self.source}, ("pieces",), chop),
            Stage(
                "cook",
                {"heat": heat},
                lambda: {"chop/pieces": self.run / "chop" / "pieces"},
                (),
                cook,
                goal={"portions": goal},
            ),
        )

    def go(self, *, goes_on: bool = True, **settings: int) -> None:
        run_stages(self.stages(**settings), self.run, Alone(), say=self.told.append, goes_on=goes_on)


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    source = tmp_path / "carrots.txt"
    source.write_text("carrot ")
    return Kitchen(tmp_path / "run", source)


def test_a_run_that_begins_again_keeps_what_is_as_it_wants_it(kitchen: Kitchen) -> None:
    kitchen.go()
    kitchen.go(goes_on=False, heat=2)
    assert kitchen.ran == ["chop", "cook", "cook"]
    assert kitchen.told[1:] == ["cook: was made otherwise, and is made anew"]
    kitchen.source.write_text("leek ")
    kitchen.go(goes_on=False, heat=2)
    assert kitchen.ran[3:] == ["chop", "cook"]


def test_what_took_long_is_not_made_anew_unasked(tmp_path: Path) -> None:
    def done(folder: Path) -> bool:
        (folder / "labels").write_text("long")
        return True

    def go(speaker: str) -> bool:
        stage = Stage("labels", {"speaker": speaker}, dict, ("labels",), done, is_costly=True)
        return run_stages([stage], tmp_path, Alone(), say=lambda _: None, goes_on=False)

    assert go("ann")
    with pytest.raises(
        TrainingError, match=r'labels: began with other settings: speaker: "ann" -> "bob"; set them back'
    ):
        go("bob")
    assert (tmp_path / "labels" / "labels").read_text() == "long"
    assert go("ann")


def test_only_what_took_long_is_worth_keeping(tmp_path: Path) -> None:
    def done(folder: Path) -> bool:
        return True

    for is_costly in (False, True):
        stage = Stage("labels", {}, dict, (), done, is_costly=is_costly)
        run_stages([stage], tmp_path / str(is_costly), Alone(), say=lambda _: None)
        assert is_worth_keeping(tmp_path / str(is_costly)) == is_costly
        assert not is_begun(tmp_path / str(is_costly))


@pytest.mark.parametrize("finishes", [True, False])
def test_processes_agree_whether_the_first_one_was_stopped(tmp_path: Path, finishes: bool) -> None:
    meeting = threading.Barrier(2)
    later: list[str] = []

    class One:
        def __init__(self, rank: int) -> None:
            self.is_global_zero = rank == 0

        def barrier(self) -> None:
            meeting.wait(timeout=20)

        def broadcast(self, obj: bool) -> bool:
            return obj

    def together(folder: Path) -> bool:
        later.append(folder.name)
        return True

    def go(rank: int) -> bool:
        stages = [
            Stage("labels", {}, dict, (), lambda folder: finishes),
            Stage("train", {}, dict, (), together, is_shared=True),
        ]
        return run_stages(stages, tmp_path, One(rank), say=lambda _: None)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(go, (0, 1))) == [finishes, finishes]
    assert later == ["train", "train"] * finishes


def test_what_is_complete_is_skipped_and_said(kitchen: Kitchen) -> None:
    kitchen.go()
    assert kitchen.ran == ["chop", "cook"]
    record: dict[str, Any] = json.loads((kitchen.run / "chop" / RECORD).read_text())
    assert record["status"] == "complete"
    assert record["outputs"].keys() == {"pieces"}
    kitchen.go()
    assert kitchen.ran == ["chop", "cook"]
    told = [line.split(" since")[0] for line in kitchen.told]
    assert told == ["chop: complete", "cook: complete"]


def test_what_was_stopped_goes_on(kitchen: Kitchen) -> None:
    kitchen.finishes = False
    kitchen.go()
    assert json.loads((kitchen.run / "cook" / RECORD).read_text())["status"] == "started"
    kitchen.finishes = True
    kitchen.go()
    assert kitchen.ran == ["chop", "cook", "cook"]
    assert "cook: goes on" in kitchen.told


def test_with_a_farther_goal_a_complete_stage_goes_on(kitchen: Kitchen) -> None:
    kitchen.go()
    kitchen.go(goal=2)
    assert kitchen.ran == ["chop", "cook", "cook"]
    assert (kitchen.run / "cook" / "soup").read_text() == "CARROT CARROT "


def test_a_changed_input_is_named(kitchen: Kitchen) -> None:
    kitchen.go()
    kitchen.source.write_text("turnip ")
    with pytest.raises(TrainingError, match="its input the carrots has changed"):
        kitchen.go()
    assert kitchen.ran == ["chop", "cook"]


def test_a_changed_setting_is_named(kitchen: Kitchen) -> None:
    kitchen.go()
    with pytest.raises(TrainingError, match="other settings: heat: 1 -> 9"):
        kitchen.go(heat=9)


def test_changed_settings_are_refused_before_anything_runs(kitchen: Kitchen) -> None:
    check_settings(kitchen.stages(), kitchen.run)
    kitchen.finishes = False
    kitchen.go()
    check_settings(kitchen.stages(), kitchen.run)
    with pytest.raises(TrainingError, match="other settings: heat: 1 -> 9"):
        check_settings(kitchen.stages(heat=9), kitchen.run)


def test_a_goal_that_was_passed_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "train" / "checkpoints" / "step_000000004").mkdir(parents=True)

    def stages(steps: int) -> tuple[Stage, ...]:
        return (Stage("train", {}, dict, (), lambda folder: True, goal={"steps": steps}),)

    check_settings(stages(4), tmp_path)
    with pytest.raises(TrainingError, match=r"train: is at step 4 already, past .* asked for, 3: ask for 4 or more"):
        check_settings(stages(3), tmp_path)


def test_a_stop_that_comes_as_a_stage_ends_lets_no_other_begin(kitchen: Kitchen) -> None:
    stops = iter((False, True))
    told = kitchen.told.append
    assert not run_stages(kitchen.stages(), kitchen.run, Alone(), say=told, should_stop=lambda: next(stops))
    assert kitchen.ran == ["chop"]
    assert not (kitchen.run / "cook").exists()
    kitchen.go()
    assert kitchen.ran == ["chop", "cook"]


def test_a_changed_or_missing_output_is_named(kitchen: Kitchen) -> None:
    kitchen.go()
    (kitchen.run / "chop" / "pieces").write_text("sand")
    with pytest.raises(TrainingError, match=r"pieces: is missing or not what the stage chop gave"):
        kitchen.go()
    (kitchen.run / "chop" / "pieces").unlink()
    with pytest.raises(TrainingError, match=r"pieces: is missing or not what the stage chop gave"):
        kitchen.go()


@pytest.mark.parametrize("record", ["", "[]", "{", '{"status": "complete"}'])
def test_a_broken_record_is_told(kitchen: Kitchen, record: str) -> None:
    kitchen.go()
    (kitchen.run / "chop" / RECORD).write_text(record)
    with pytest.raises(TrainingError, match="is no record of a stage"):
        kitchen.go()


def test_differences_are_named_by_their_place() -> None:
    before = {"a": 1, "b": {"c": [1, 2], "d": None}, "gone": True}
    now = {"a": 1, "b": {"c": [1, 3], "d": None}, "new": "x"}
    assert differences(before, now) == ["b.c: [1, 2] -> [1, 3]", "gone: true -> unset", 'new: unset -> "x"']
    assert differences(before, before) == []


def test_a_stage_whose_last_checkpoint_was_removed_goes_on(tmp_path: Path) -> None:
    ran = []

    def train(folder: Path) -> bool:
        ran.append(folder.name)
        for step in (2, 4):
            (folder / "checkpoints" / f"step_{step:09d}").mkdir(parents=True, exist_ok=True)
        return True

    def go() -> None:
        run_stages([Stage("train", {}, dict, (), train, goal={"steps": 4})], tmp_path, Alone(), say=lambda _: None)

    go()
    go()
    assert len(ran) == 1
    (tmp_path / "train" / "checkpoints" / "step_000000004").rmdir()
    go()
    go()
    assert len(ran) == 2

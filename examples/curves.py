"""Draw the curves of runs, or of stages (folders in a run), each after the one it started from.

python examples/curves.py RUN_OR_STAGE [RUN_OR_STAGE …] curves.png
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sonorant.training.tracker import read_log

TERMS = ("generator/", "discriminator/")


def main(runs: Sequence[Path], picture: Path) -> None:
    rows, begins = [], []
    last = 0
    for run in runs:
        begins.append(last)
        stage = run / "train" if (run / "train").is_dir() else run
        rows += [{**row, "step": row["step"] + begins[-1]} for row in read_log(stage / "log.jsonl")]
        last = rows[-1]["step"]
    steps = rows_of(rows, "step")
    known = dict.fromkeys(name for row in steps for name in row)  # a later stage may have fewer terms
    names = [name for name in known if name.startswith(TERMS) and not name.endswith("total")]
    names = [name for name in names if any(row.get(name) for row in steps)]  # not what this system has no use for
    n_rows = (len(names) + 1) // 2
    figure = Figure(figsize=(9, 2.6 * n_rows), layout="constrained")
    for axes, name in zip(figure.subplots(n_rows, 2, squeeze=False).flat, names, strict=False):
        draw(axes, name, rows)
        for begin in begins[1:]:
            axes.axvline(begin, color="grey", linewidth=0.5, linestyle="--")
    for axes in figure.axes[len(names) :]:
        axes.remove()
    figure.savefig(picture, dpi=80)
    print(f"{picture}: {len(names)} curves of {last:,} steps")


def rows_of(rows: Sequence[dict], kind: str) -> list[dict]:
    return [row for row in rows if row["kind"] == kind]


def draw(axes: Axes, name: str, rows: Sequence[dict]) -> None:
    found = [(row["step"], row[name]) for row in rows_of(rows, "step") if name in row]
    axes.plot(*zip(*found, strict=True), linewidth=0.5, alpha=0.4)
    smooth = [found[0][1]]
    for _, value in found[1:]:
        smooth.append(0.9 * smooth[-1] + 0.1 * value)
    axes.plot([step for step, _ in found], smooth, label="training, smoothed")
    short = name.split("/")[1]
    evaluated = [(row["step"], row[short]) for row in rows_of(rows, "evaluation") if short in row]
    if evaluated:
        axes.plot(*zip(*evaluated, strict=True), "o-", label="held out")
        axes.legend()
    axes.set(title=name, xlabel="step")


if __name__ == "__main__":
    main([Path(run) for run in sys.argv[1:-1]], Path(sys.argv[-1]))

"""Draw the curves of a run: python examples/curves.py RUN curves.png"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from sonorant.training.tracker import read_log


def main(run: Path, picture: Path) -> None:
    rows = read_log(run / "train" / "log.jsonl")
    steps = [row for row in rows if row["kind"] == "step"]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    names = [name for name in steps[-1] if name.startswith(("generator/", "discriminator/"))]
    names = [name for name in names if not name.endswith("total")]
    figure = Figure(figsize=(9, 2.6 * ((len(names) + 1) // 2)), layout="constrained")
    for axes, name in zip(figure.subplots((len(names) + 1) // 2, 2).flat, names, strict=False):
        found = [(row["step"], row[name]) for row in steps if name in row]
        axes.plot(*zip(*found, strict=True), linewidth=0.5, alpha=0.4)
        smooth = [found[0][1]]
        for _, value in found[1:]:
            smooth.append(0.9 * smooth[-1] + 0.1 * value)
        axes.plot([step for step, _ in found], smooth, label="training, smoothed")
        evaluated = name.removeprefix("generator/")
        if evaluations and evaluated in evaluations[0]:
            axes.plot(
                [row["step"] for row in evaluations], [row[evaluated] for row in evaluations], "o-", label="held out"
            )
            axes.legend()
        axes.set(title=name, xlabel="step")
    figure.savefig(picture, dpi=80)
    print(f"{picture}: {len(names)} curves of {steps[-1]['step']:,} steps")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

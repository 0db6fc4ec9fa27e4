"""`sonorant align`: when each symbol and word of a corpus is said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import torch

    from sonorant.data.manifest import Split
    from sonorant.models.corpus_aligning import AligningVoice


def align(
    manifest: Annotated[Path, typer.Argument(help="The recordings, as 'sonorant corpus import' lists them.")],
    by: Annotated[
        str,
        typer.Option(
            "--with",
            metavar="VOICE_OR_RUN",
            help="Who aligns: a VITS, VITS2 or CVAE-JETS, as a voice that converts or a run's folder.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.")],
    step: Annotated[
        int | None, typer.Option(help="Of a run's checkpoint; by default the best of a VITS, the last of the others.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only train, validation or test.")] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", "-s", help="Take all utterances for this speaker of the voice's.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Read all texts as this language of the voice's.")] = None,
    textgrids: Annotated[
        bool, typer.Option("--textgrids/--no-textgrids", help="Write each utterance for Praat, too.")
    ] = True,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Say when each phoneme and word of a corpus begins and ends, as a trained voice hears it.

    FOLDER gets alignments.jsonl, a row for each utterance; skipped.jsonl, those without and why; and textgrids/.
    After a stop the same command goes on: what was aligned until then is kept beside it, in FOLDER.halfway.jsonl.
    """
    from sonorant.cli.progress import progress_bar
    from sonorant.data.alignments import SKIPPED, Halfway, write_alignments
    from sonorant.models.corpus_aligning import Part, plan_alignment
    from sonorant.models.corpus_aligning import align as align_corpus
    from sonorant.voice.bundle import write_whole

    _check_target(out)
    part = Part(split=_split(split), speaker=speaker, language=language)
    place = _device(device)
    plan = plan_alignment(manifest, aligning_voice(by, step), part)
    halfway = Halfway(out.with_name(f"{out.name}.halfway.jsonl"), plan.about, plan.identities)
    n_before, began_s = len(halfway.rows), time.monotonic()
    found = align_corpus(
        plan, manifest, halfway, device=place, progress=progress_bar, doing=f"Aligning {manifest.name}"
    )
    assert found is not None, "nobody asked it to stop"
    rows, skipped = found.rows, found.skipped
    took_s = max(time.monotonic() - began_s, 1e-6)
    n_a_second = (len(rows) - n_before) / took_s
    write_whole(out, lambda part: write_alignments(part, plan.about, rows, skipped, textgrids=textgrids))
    halfway.forget()
    typer.echo(f"{out}: {len(rows):,} utterances aligned by {plan.about.aligner}, {n_a_second:.1f} a second", err=True)
    if skipped:
        said = "; ".join(f"{count:,}: {reason}" for reason, count in found.reasons.items())
        typer.echo(f"{out / SKIPPED}: {len(skipped):,} skipped ({said})", err=True)


def aligning_voice(name_or_path: str, step: int | None = None) -> AligningVoice:
    """A voice, by its name or folder, or a run by its folder, as one that aligns. Raises VoiceError, TrainingError."""
    from sonorant.errors import ParameterError
    from sonorant.models.corpus_aligning import AligningVoice
    from sonorant.models.recipes import CONFIG, read_run
    from sonorant.voice import default
    from sonorant.voice.bundle import Bundle
    from sonorant.voice.runtime_torch import load_network

    path = Path(name_or_path)
    if (path / CONFIG).is_file():
        return AligningVoice.of_run(path, read_run(path, step=step))
    bundle = Bundle.read(default.find(name_or_path))
    if step is not None:
        raise ParameterError(f"--step is of a run's checkpoint, but {name_or_path} is a voice; leave it out")
    about = bundle.manifest
    return AligningVoice.of_network(
        about.name,
        load_network(bundle),
        system=about.system,
        model=about.model,
        frontend=about.frontend,
        symbols=about.symbols,
        speakers=about.speakers,
    )


def _check_target(folder: Path) -> None:
    """Raise CorpusError, before the work rather than after it, when the folder cannot be made."""
    from sonorant.errors import CorpusError

    if folder.exists():
        raise CorpusError(f"{folder}: exists already; name another folder with --out, or remove it")
    if not folder.parent.is_dir():
        raise CorpusError(f"{folder}: the folder {folder.parent} does not exist; make it first")


def _split(name: str | None) -> Split | None:
    from typing import get_args

    from sonorant.data.manifest import Split
    from sonorant.errors import ParameterError

    for known in get_args(Split):
        if name == known:
            return known  # type: ignore[no-any-return]
    if name is None:
        return None
    raise ParameterError(f"--split {name}: there is no such split; expected one of {', '.join(get_args(Split))}")


def _device(name: str) -> torch.device:
    import torch

    from sonorant.errors import ConfigError, ParameterError

    if name not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"--device is {name!r}, expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("the device is cuda, but PyTorch finds no GPU here: use cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")

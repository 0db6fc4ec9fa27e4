"""`sonorant corpus shard`: a prepared corpus becomes tar files, to be trained on from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import typer

from sonorant.cli.progress import available_cores, progress_bar

if TYPE_CHECKING:
    from sonorant.data.shards.format import ShardList

T = TypeVar("T")


def shard(
    prepared: Annotated[Path, typer.Argument(help="The folder 'prepare' of a run: RUN/prepare.")],
    out: Annotated[Path, typer.Argument(help="The folder to make: tar files, and shards.json that lists them.")],
    shard_s: Annotated[
        float, typer.Option("--shard-s", min=1, max=20_000, help="The most audio in a shard, about, in seconds.")
    ] = 3600.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another order of the utterances.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes (one for each core).")] = None,
) -> None:
    """Pack a prepared corpus into shards: tokens, and audio at the model's rate as 16-bit FLAC.

    For a corpus too large for one disk, or one that is read over a network. Run again after a stop, it keeps the shards
    that are whole. Anything finer than 16 bits is rounded off.
    """
    from sonorant.data.shards.writing import write_shards

    sample_rate_hz, hop = _framing(prepared)
    written = write_shards(
        prepared, out, sample_rate_hz=sample_rate_hz, hop=hop, shard_s=shard_s, seed=seed,
        jobs=jobs or available_cores(), progress=progress_bar,
    )  # fmt: skip
    _print_shards(written.listing)
    if written.n_kept:
        typer.echo(f"{written.n_kept:,} of {len(written.listing.shards):,} were there already, and are whole")
    typer.echo(f"{out / 'shards.json'}: written")


def _framing(prepared: Path) -> tuple[int, int]:
    """The sample rate and the hop that a corpus was prepared for: its stage's record knows them."""
    from sonorant.config import read_json
    from sonorant.errors import CorpusError
    from sonorant.training.stage import RECORD

    if not (prepared / RECORD).is_file():
        raise CorpusError(f"{prepared}: is no prepared corpus; name the folder 'prepare' of a run of 'sonorant train'")
    record = read_json(prepared / RECORD)
    try:
        spectrogram = record["settings"]["spectrogram"]  # type: ignore[index]
        framing = int(spectrogram["sample_rate_hz"]), int(spectrogram["hop"])
        is_complete = record["status"] == "complete"  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        raise CorpusError(f"{prepared / RECORD}: is no record of a corpus prepared for a model's spectrogram") from None
    if not is_complete:
        raise CorpusError(f"{prepared}: is not complete; let 'sonorant train' go on with its run first")
    return framing


def _print_shards(listing: ShardList) -> None:
    from sonorant.cli.tables import table
    from sonorant.data.amounts import Amount
    from sonorant.data.manifest import Split

    rows = []
    for split in get_args(Split):
        if shards := listing.of(split):
            held = Amount(sum(shard.utterances for shard in shards), sum(shard.seconds for shard in shards))
            rows.append((split, f"{len(shards):,}", *held.cells))
    for line in table(("split", "shards", "utterances", "minutes"), rows):
        typer.echo(line)

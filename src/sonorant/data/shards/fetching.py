"""What a run takes of shards before it trains: what their rows mean, their lengths, and utterances to listen to."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.data.prepare import TABLES, UTTERANCES, Framing
from sonorant.data.shards.format import LENGTHS, SHARDS, Shards

HELD_OUT = "held_out"


def fetch(shards: Shards, folder: Path, *, framing: Framing) -> None:
    """Make a run's `prepare` folder from shards: as `prepare` makes it, and with copies of the files beside them.

    Its utterances are those of the first validation shard, with their audio as files; of the first in train when there
    is none. The copies say for good which shards the run is trained on.

    Raises CorpusError for shards that a model of this framing cannot be trained on.
    """
    shards.check(framing)
    listing = shards.listing
    held_out = (listing.of("validation") or listing.of("train"))[0]
    (folder / HELD_OUT).mkdir(parents=True, exist_ok=True)
    rows = []
    for index, packed in enumerate(shards.read(held_out)):
        path = (folder / HELD_OUT / f"{index:06d}.flac").resolve()
        with whole_file(path) as part:
            part.write_bytes(packed.flac)
        rows.append(replace(packed.prepared(), audio=str(path)))
    for name, data in (
        (TABLES, shards.file(TABLES)),
        (LENGTHS, shards.file(LENGTHS)),
        (SHARDS, shards.index.read(SHARDS)),
        (UTTERANCES, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows).encode()),
    ):
        with whole_file(folder / name) as part:
            part.write_bytes(data)

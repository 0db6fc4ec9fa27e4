"""Between a manifest and training: texts become tokens, lengths become exact, what cannot be used is named."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.config import config, parse, plain, read_json
from sonorant.data.features import Recording
from sonorant.data.manifest import Split, Utterance, audio_path, read_manifest, write_rows
from sonorant.data.reading import Reading, read_text
from sonorant.data.sampler import check_longest
from sonorant.data.selection import Selection, select
from sonorant.errors import CorpusError
from sonorant.text.frontend import Frontend, FrontendConfig
from sonorant.text.symbols import SymbolTable

UTTERANCES = "utterances.jsonl"
DROPPED = "dropped.jsonl"
TABLES = "tables.json"


@config
class Prepared:
    """An utterance ready to be loaded. speaker and language: rows of the tables."""

    id: str
    audio: str
    start_s: float
    end_s: float | None
    n_samples: int
    """At the model's rate: a whole number of frames."""
    speaker: int
    language: int
    split: Split
    weight: float
    text: str
    phonemes: str
    tokens: tuple[int, ...]

    @property
    def recording(self) -> Recording:
        return Recording(self.id, Path(self.audio), self.start_s, self.end_s)


@config
class Tables:
    """What the rows' numbers mean, and what a voice needs to know of its corpus."""

    symbols: Mapping[str, int]
    speakers: tuple[str, ...]
    frontend: FrontendConfig
    language_of_speaker: tuple[int, ...]
    """The language each speaker speaks most: a row of frontend.languages."""
    corpora: tuple[str, ...]
    licences: tuple[str, ...]
    seconds: float
    """Of training audio."""


@config
class Framing:
    """What a model can be trained on."""

    sample_rate_hz: int
    hop: int
    min_frames: int
    """The length of the slices it is trained on."""


@dataclass(frozen=True)
class Corpus:
    """What the stage gave."""

    utterances: tuple[Prepared, ...]
    tables: Tables

    def of(self, split: Split) -> tuple[Prepared, ...]:
        """The utterances of a split."""
        return tuple(utterance for utterance in self.utterances if utterance.split == split)


def prepare(
    manifest: Path,
    folder: Path,
    *,
    selection: Selection,
    frontend: FrontendConfig,
    symbols: Mapping[str, int],
    framing: Framing,
    batch_s: float = math.inf,
) -> Mapping[str, int]:
    """Write the corpus a model is trained on into a folder. Returns how many utterances were left out, by reason.

    batch_s: what the batches made of it hold, in seconds.
    Raises CorpusError when nothing is left to train on, a language has no front end, or an utterance fits no batch.
    """
    chosen = select(read_manifest(manifest), selection)
    check_longest(max((u.duration_s for u in chosen.kept if u.split == "train"), default=0.0), batch_s)
    dropped = {name: reason for reason, names in chosen.dropped.items() for name in names}
    table = SymbolTable(symbols)
    readers = {cfg.code: (row, Frontend(frontend, cfg, table)) for row, cfg in enumerate(frontend.languages)}
    spoken: list[tuple[Utterance, Prepared]] = []
    for utterance in chosen.kept:
        if utterance.language not in readers:
            raise CorpusError(
                f"{manifest}: {utterance.id} is in {utterance.language!r}, but the front end reads {', '.join(readers)}"
            )
        language, reader = readers[utterance.language]
        row = prepared_row(
            utterance,
            audio_path(manifest, utterance).resolve(),
            read_text(reader, utterance.text),
            speaker=0,  # known when it is known who is left
            language=language,
            framing=framing,
        )
        if isinstance(row, str):
            dropped[utterance.id] = row
        else:
            spoken.append((utterance, row))
    speakers = tuple(sorted({utterance.speaker for utterance, row in spoken if row.split == "train"}))
    dropped |= {row.id: "its speaker has nothing to train on" for u, row in spoken if u.speaker not in speakers}
    spoken = [(utterance, row) for utterance, row in spoken if utterance.speaker in speakers]
    rows = [replace(row, speaker=speakers.index(utterance.speaker)) for utterance, row in spoken]
    if not rows:
        reasons = "; ".join(f"{count:,}: {reason}" for reason, count in Counter(dropped.values()).most_common(3))
        raise CorpusError(f"{manifest}: no utterance is left to train on ({reasons or 'none has the split train'})")
    tables = Tables(
        symbols=dict(symbols),
        speakers=speakers,
        frontend=frontend,
        language_of_speaker=_main_languages(rows, len(speakers)),
        corpora=tuple(sorted({utterance.corpus for utterance, _ in spoken if utterance.corpus})),
        licences=tuple(sorted({utterance.licence for utterance, _ in spoken if utterance.licence})),
        seconds=sum(row.n_samples for row in rows if row.split == "train") / framing.sample_rate_hz,
    )
    write_rows(folder / DROPPED, ({"id": name, "reason": reason} for name, reason in dropped.items()))
    with whole_file(folder / TABLES) as part:
        part.write_text(json.dumps(plain(tables), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_rows(folder / UTTERANCES, (asdict(row) for row in rows))
    return Counter(dropped.values())


def read_corpus(folder: Path) -> Corpus:
    """What `prepare` wrote. Raises CorpusError or ConfigError when it is missing or damaged."""
    import pydantic

    adapter = pydantic.TypeAdapter(Prepared)
    try:
        lines = (folder / UTTERANCES).read_text(encoding="utf-8").split("\n")  # a text may hold other line ends
        utterances = tuple(adapter.validate_json(line) for line in lines if line)
    except OSError as error:
        raise CorpusError(f"{folder / UTTERANCES}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # not UTF-8, or no utterance
        raise CorpusError(f"{folder / UTTERANCES}: is damaged ({str(error).splitlines()[0]}); prepare anew") from None
    tables = parse(Tables, read_json(folder / TABLES), source=str(folder / TABLES))
    return Corpus(utterances=utterances, tables=tables)


def prepared_row(
    utterance: Utterance, path: Path, reading: Reading, *, speaker: int, language: int, framing: Framing
) -> Prepared | str:
    """The row of an utterance, or why there is none.

    path: its recording; reading: its text; speaker, language: rows of tables. Raises CorpusError for a recording that
    cannot be read.
    """
    if reading.fault:
        return reading.fault
    n_frames = _n_samples(utterance, path, framing.sample_rate_hz) // framing.hop
    if n_frames < framing.min_frames:
        return "shorter than the slices the model is trained on"
    if n_frames < len(reading.tokens):
        return "more tokens than frames"
    return Prepared(
        id=utterance.id,
        audio=str(path),
        start_s=utterance.start_s,
        end_s=utterance.end_s,
        n_samples=n_frames * framing.hop,
        speaker=speaker,
        language=language,
        split=utterance.split,
        weight=utterance.weight,
        text=utterance.text,
        phonemes="".join(reading.symbols),
        tokens=reading.tokens,
    )


def _n_samples(utterance: Utterance, path: Path, sample_rate_hz: int) -> int:
    """How many samples the utterance has at a rate, from the file's header."""
    import soundfile

    try:
        header = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise CorpusError(
            f"{path} (id {utterance.id}): cannot be read as audio ({error}); 'sonorant corpus check' finds all such"
        ) from None
    start = round(utterance.start_s * header.samplerate)
    end = header.frames if utterance.end_s is None else round(utterance.end_s * header.samplerate)
    n_samples: int = max(min(end, header.frames) - start, 0) * sample_rate_hz // header.samplerate
    return n_samples


def _main_languages(rows: Sequence[Prepared], n_speakers: int) -> tuple[int, ...]:
    spoken = [Counter[int]() for _ in range(n_speakers)]
    for row in rows:
        spoken[row.speaker][row.language] += row.n_samples
    return tuple(count.most_common(1)[0][0] if count else 0 for count in spoken)

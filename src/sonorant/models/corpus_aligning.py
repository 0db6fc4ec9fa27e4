"""A corpus aligned by a voice: what it says of each utterance, or why it says nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.config import plain
from sonorant.data.alignments import About, Alignment, Halfway, Skipped, alignment_of
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.data.features import Waveform, digest
from sonorant.data.loading import fitted, in_order
from sonorant.data.manifest import Split, Utterance, audio_path, read_manifest
from sonorant.data.prepare import Framing, Prepared, prepared_row
from sonorant.data.progress import Progress
from sonorant.data.reading import Reading, read_text
from sonorant.data.selection import Selection, select
from sonorant.errors import CorpusError, TextError, VoiceError
from sonorant.models import ALIGNING, Synthesizer, aligner_in, load_synthesizer
from sonorant.models.aligning import Aligner
from sonorant.models.trained import Trained
from sonorant.text.frontend import Frontend, FrontendConfig
from sonorant.text.symbols import SymbolTable

HEARD = Selection(without_faults=("unreadable", "truncated", "not_finite"))
"""What has sound that can be looked at."""
BATCH_S = 40.0
"""Seconds of audio in a batch, padding included."""
BATCH_ITEMS = 32
_COMPLETING = ", or complete it with 'sonorant finetune {} MANIFEST --run DIR', and name that run"


@dataclass(frozen=True)
class AligningVoice:
    """An aligner, and what the numbers it takes mean. Texts are read as for training: without anyone's lexicons."""

    name: str
    system: str
    model: Mapping[str, Any]
    aligner: Aligner
    frontend: FrontendConfig
    symbols: Mapping[str, int]
    speakers: Sequence[str]

    @classmethod
    def of_network(
        cls,
        name: str,
        network: Synthesizer,
        *,
        system: str,
        model: Mapping[str, Any],
        frontend: FrontendConfig,
        symbols: Mapping[str, int],
        speakers: Sequence[str],
    ) -> AligningVoice:
        """A loaded network as one that aligns. Raises VoiceError where it has no posterior."""
        aligner = aligner_in(network, system)
        if aligner is None and system not in ALIGNING:
            raise VoiceError(f"{name!r} is a {system!r} model, which does not align: name a {' or '.join(ALIGNING)}")
        if aligner is None:
            part, otherwise = ("an aligner", "") if system == "cvae_jets" else ("a posterior encoder", _COMPLETING)
            raise VoiceError(
                f"voice {name!r} cannot align, for that takes {part}, which it has left behind: name the run it was "
                f"made of, or a voice exported of that with --convert{otherwise.format(name)}"
            )
        return cls(name, system, model, aligner, frontend, symbols, speakers)

    @classmethod
    def of_run(cls, run: Path, trained: Trained) -> AligningVoice:
        """What a run has made. It has all parts, even with one speaker."""
        tables = trained.tables
        network = load_synthesizer(
            trained.system,
            trained.model,
            trained.for_voice(True),
            n_symbols=trained.n_symbols,
            n_speakers=len(tables.speakers),
            n_languages=len(tables.frontend.languages),
            source=str(run),
        )
        return cls.of_network(
            f"{run.resolve().name}, {trained.age}",
            network,
            system=trained.system,
            model=trained.model,
            frontend=tables.frontend,
            symbols=tables.symbols,
            speakers=tables.speakers,
        )

    def fingerprint(self) -> str:
        """A SHA-256 of all that decides what it says."""
        settings = {
            "system": self.system,
            "model": self.model,
            "frontend": plain(self.frontend),
            "symbols": self.symbols,
            "speakers": list(self.speakers),
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for name, tensor in sorted(self.aligner.weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Part:
    """What is to be aligned of a manifest, and as what. None: all of it; each as the manifest says."""

    split: Split | None = None
    speaker: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Wanted:
    """An utterance that can be aligned. identity: a digest of all that its alignment is of."""

    row: Prepared
    reading: Reading
    identity: str


@dataclass(frozen=True)
class Plan:
    """What can be aligned of a corpus, in the manifest's order, and what cannot.

    ids: of both, in that order. reasons: by the ids of what cannot.
    """

    voice: AligningVoice
    about: About
    ids: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    reasons: Mapping[str, str]

    @property
    def identities(self) -> Mapping[str, str]:
        return {one.row.id: one.identity for one in self.wanted}


@dataclass(frozen=True)
class Aligned:
    """What came of a plan, in the manifest's order."""

    rows: tuple[Alignment, ...]
    skipped: tuple[Skipped, ...]

    @property
    def reasons(self) -> Mapping[str, int]:
        """Of what is skipped, the most frequent first."""
        return dict(Counter(one.reason for one in self.skipped).most_common())


def check_alignable(
    manifest: Path, voice: AligningVoice, part: Part = Part()
) -> tuple[Sequence[Utterance], Mapping[str, int]]:
    """A manifest's utterances, and which of the voice's speakers each of its own is taken for.

    Raises CorpusError and VoiceError for what the voice does not know, as `plan_alignment` does.
    """
    utterances = [u for u in read_manifest(manifest) if part.split is None or u.split == part.split]
    if not utterances:
        raise CorpusError(f"{manifest}: has no utterance of the split {part.split}")
    speakers = _rows_of_speakers(manifest, utterances, voice, part)
    _check_languages(manifest, utterances, voice, part)
    return utterances, speakers


def plan_alignment(manifest: Path, voice: AligningVoice, part: Part = Part()) -> Plan:
    """What of a manifest a voice can align.

    Raises CorpusError for an utterance by a speaker or in a language that the voice does not know, for a recording that
    cannot be read, and when there is nothing to align; VoiceError for a speaker or a language of `part` that the voice
    does not know.
    """
    utterances, speakers = check_alignable(manifest, voice, part)
    languages = _readers(voice)
    selected = select(utterances, HEARD)
    reasons = {name: reason for reason, names in selected.dropped.items() for name in names}
    spectrogram = voice.aligner.spectrogram
    framing = Framing(sample_rate_hz=spectrogram.sample_rate_hz, hop=spectrogram.hop, min_frames=0)
    wanted: dict[str, Wanted] = {}
    for utterance in selected.kept:
        language, reader = languages[part.language or utterance.language]
        try:
            reading = read_text(reader, utterance.text)
        except TextError as error:
            reasons[utterance.id] = str(error)
            continue
        path = audio_path(manifest, utterance).resolve()
        row = prepared_row(
            utterance, path, reading, speaker=speakers[utterance.speaker], language=language, framing=framing
        )
        if isinstance(row, str):
            reasons[utterance.id] = row
        elif row.n_samples <= (spectrogram.n_fft - spectrogram.hop) // 2:
            reasons[utterance.id] = "shorter than the voice's spectra"
        else:
            identity = digest(
                {
                    "audio": row.recording.identity(),
                    "symbols": list(reading.symbols),
                    "speaker": row.speaker,
                    "language": row.language,
                }
            )
            wanted[utterance.id] = Wanted(row, reading, identity)
    if not wanted:
        raise _nothing_aligned(manifest, reasons)
    about = About(
        aligner=voice.name,
        fingerprint=voice.fingerprint(),
        manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        sample_rate_hz=spectrogram.sample_rate_hz,
        hop=spectrogram.hop,
        split=part.split,
        speaker=part.speaker,
        language=part.language,
    )
    return Plan(voice, about, tuple(u.id for u in utterances), tuple(wanted.values()), reasons)


def align(
    plan: Plan,
    manifest: Path,
    halfway: Halfway,
    *,
    device: torch.device,
    progress: Progress,
    doing: str,
    should_stop: Callable[[], bool] = lambda: False,
) -> Aligned | None:
    """What a plan wants, going on with what is aligned `halfway`, which grows. None if asked to stop before the end.

    What holds samples that are no numbers is skipped. Raises AudioError or CorpusError for a recording that is not what
    it was, and where nothing could be aligned.
    """
    reasons = dict(plan.reasons)
    n_left = len(plan.wanted) - len(halfway.rows)
    for row in progress(aligned(plan, device=device, done=set(halfway.rows)), n_total=n_left, doing=doing):
        if isinstance(row, Skipped):
            reasons[row.id] = row.reason
        else:
            halfway.add(row)
        if should_stop():
            return None
    if not halfway.rows:
        raise _nothing_aligned(manifest, reasons)
    return Aligned(
        tuple(halfway.rows[id_] for id_ in plan.ids if id_ in halfway.rows),
        tuple(Skipped(id=id_, reason=reasons[id_]) for id_ in plan.ids if id_ in reasons),
    )


def _nothing_aligned(manifest: Path, reasons: Mapping[str, str]) -> CorpusError:
    said = "; ".join(f"{count:,}: {reason}" for reason, count in Counter(reasons.values()).most_common(3))
    return CorpusError(f"{manifest}: no utterance can be aligned ({said})")


def aligned(plan: Plan, *, device: torch.device, done: Collection[str] = ()) -> Iterator[Alignment | Skipped]:
    """What comes of all that a plan wants, the longest utterances first. done: ids of those that are left out.

    Raises AudioError or CorpusError for a recording that is not what it was.
    """
    aligner = plan.voice.aligner
    spectrogram = aligner.spectrogram
    aligner.to(device)
    wanted_now = [one for one in plan.wanted if one.row.id not in done]
    batches = _batches(wanted_now, max_samples=round(BATCH_S * spectrogram.sample_rate_hz))
    for wanted, batch, unheard in in_order(
        iter(batches), _Loading(spectrogram.sample_rate_hz, spectrogram.hop), workers=0
    ):
        for one in unheard:
            yield Skipped(id=one.row.id, reason="a sample is no finite number")
        if batch is None:
            continue
        batch = batch.to(device)
        durations = aligner.durations(
            batch.tokens,
            batch.token_lengths,
            linear_spectrogram(batch.samples, spectrogram, batch.frame_lengths * spectrogram.hop),
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
        )
        for one, row in zip(wanted, durations.cpu().numpy(), strict=True):
            yield alignment_of(
                one.row.id,
                row[: len(one.row.tokens)],
                symbols=one.reading.symbols,
                words=one.reading.words,
                symbol_of_token=one.reading.symbol_of_token,
                frame_s=spectrogram.hop / spectrogram.sample_rate_hz,
            )


class _Loading:
    """From what is wanted to a batch of it. Plain data, so that workers can hold it."""

    def __init__(self, sample_rate_hz: int, hop: int) -> None:
        self._waveform = Waveform(sample_rate_hz)
        self._hop = hop

    def __call__(self, wanted: Sequence[Wanted]) -> tuple[Sequence[Wanted], Batch | None, Sequence[Wanted]]:
        """What can be heard, as a batch, None where that is nothing; and what holds samples that are no numbers."""
        loaded = [(one, self._example(one.row)) for one in wanted]
        heard = [(one, example) for one, example in loaded if example.samples.isfinite().all()]
        unheard = [one for one, example in loaded if not example.samples.isfinite().all()]
        if not heard:
            return (), None, unheard
        totals = Totals(
            items=len(heard),
            tokens=sum(len(one.row.tokens) for one, _ in heard),
            frames=sum(one.row.n_samples // self._hop for one, _ in heard),
        )
        batch = collate([example for _, example in heard], hop=self._hop, totals=totals)
        return [one for one, _ in heard], batch, unheard

    def _example(self, row: Prepared) -> Example:
        samples = fitted(row, self._waveform(row.recording), hop=self._hop)
        return Example(
            id=row.id,
            tokens=torch.tensor(row.tokens),
            samples=torch.from_numpy(samples),
            speaker=row.speaker,
            language=row.language,
            seed=0,
        )


def _batches(wanted: Sequence[Wanted], *, max_samples: int) -> list[list[Wanted]]:
    """Of similar length, the longest first: what takes too much memory does so at once."""
    batches: list[list[Wanted]] = []
    for one in sorted(wanted, key=lambda one: -one.row.n_samples):
        is_full = not batches or len(batches[-1]) == BATCH_ITEMS
        if is_full or (len(batches[-1]) + 1) * batches[-1][0].row.n_samples > max_samples:
            batches.append([])
        batches[-1].append(one)
    return batches


def _rows_of_speakers(
    manifest: Path, utterances: Sequence[Utterance], voice: AligningVoice, part: Part
) -> Mapping[str, int]:
    """Which of the voice's speakers each of the manifest's is taken for."""
    rows = {name: row for row, name in enumerate(voice.speakers)}
    if part.speaker is not None:
        if part.speaker not in rows:
            raise VoiceError(f"{voice.name!r} has no speaker {part.speaker!r}; it has {_listed(voice.speakers)}")
        return {utterance.speaker: rows[part.speaker] for utterance in utterances}
    for utterance in utterances:
        if utterance.speaker not in rows:
            raise CorpusError(
                f"{manifest}: {utterance.id} is by {utterance.speaker!r}, but {voice.name!r} knows "
                f"{_listed(voice.speakers)}; --speaker (in a training, labels.speaker) takes all for one"
            )
    return rows


def _readers(voice: AligningVoice) -> Mapping[str, tuple[int, Frontend]]:
    """The voice's languages: each one's row, and how it is read."""
    table = SymbolTable(voice.symbols)
    return {cfg.code: (row, Frontend(voice.frontend, cfg, table)) for row, cfg in enumerate(voice.frontend.languages)}


def _check_languages(manifest: Path, utterances: Sequence[Utterance], voice: AligningVoice, part: Part) -> None:
    known = [cfg.code for cfg in voice.frontend.languages]
    if part.language is not None:
        if part.language not in known:
            raise VoiceError(f"{voice.name!r} does not read {part.language!r}; it reads {_listed(known)}")
        return
    for utterance in utterances:
        if utterance.language not in known:
            raise CorpusError(
                f"{manifest}: {utterance.id} is in {utterance.language!r}, but {voice.name!r} reads {_listed(known)}; "
                "--language (in a training, labels.language) reads all as one"
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")

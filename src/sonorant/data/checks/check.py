"""Checking a corpus: every utterance is measured, and what speaks against it is written beside it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from sonorant.audio.recognition import Recogniser
from sonorant.data.checks.hearing import Hearing, hear
from sonorant.data.checks.kinds import FAULTS, MEASURES, Findings, Limits
from sonorant.data.checks.outliers import loudness_outliers, rate_outliers
from sonorant.data.checks.recording import examine_recording
from sonorant.data.checks.repeats import duplicates, leakage
from sonorant.data.checks.script import examine_text, frontend_of
from sonorant.data.manifest import Utterance, audio_path
from sonorant.data.progress import Progress, silent
from sonorant.errors import ConfigError, CorpusError


@dataclass(frozen=True)
class Checked:
    """The utterances with their new measures and faults, in the order they came in."""

    utterances: list[Utterance]
    n_not_heard: Mapping[str, int] = field(default_factory=dict)
    """Utterances that a recogniser was to hear and left out, by their language, which it does not know."""


def check(
    manifest: Path,
    utterances: Sequence[Utterance],
    *,
    limits: Limits,
    recogniser: Recogniser | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> Checked:
    """Measure all utterances of a manifest and find their faults. Nothing is written.

    What an earlier check found is replaced. Only a `cer` stays when no recogniser is given, as long as neither audio
    nor text changed: it is still true. Measures and faults of other names, which others wrote, stay too.
    The outcome does not depend on `jobs`. Raises CorpusError when no recording can be read, and for languages that
    the front end or the recogniser does not know.
    """
    _check_languages(manifest, utterances)
    found = list(progress(_findings(manifest, utterances, limits, jobs), n_total=len(utterances), doing="measuring"))
    _check_readable(manifest, utterances, found)
    checked = [_renewed(utterance, findings) for utterance, findings in zip(utterances, found, strict=True)]
    hearing = Hearing(heard={}, n_unknown_language={})
    if recogniser is not None:
        hearing = hear(manifest, checked, recogniser, jobs=jobs, progress=progress)
    checked = [_with_cer(u, before, hearing, limits) for u, before in zip(checked, utterances, strict=True)]
    among_others = {
        "loudness": loudness_outliers(checked, limits),
        "rate": rate_outliers(checked, limits),
        "duplicate": duplicates(checked),
        "leakage": leakage(checked),
    }
    checked = [
        _with_faults(u, {kind: reasons[u.id] for kind, reasons in among_others.items() if u.id in reasons})
        for u in checked
    ]
    return Checked(utterances=checked, n_not_heard=hearing.n_unknown_language)


def examine(utterance: Utterance, *, manifest: Path, limits: Limits) -> Findings:
    """What one utterance shows by itself, without the others."""
    recording, speech_s = examine_recording(audio_path(manifest, utterance), utterance, limits)
    text = examine_text(utterance)
    measures = recording.measures | text.measures
    if speech_s and "n_phonemes" in measures:
        measures["seconds_per_phoneme"] = round(speech_s / measures["n_phonemes"], 4)
    return Findings(measures=measures, faults=recording.faults | text.faults)


def _findings(manifest: Path, utterances: Sequence[Utterance], limits: Limits, jobs: int) -> Iterator[Findings]:
    task = partial(examine, manifest=manifest, limits=limits)
    if jobs == 1:
        yield from map(task, utterances)
        return
    # New processes rather than forks: threads of this one may hold locks.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)
    try:
        yield from pool.map(task, utterances, chunksize=max(1, min(32, len(utterances) // (8 * jobs))))
    except BrokenProcessPool:
        raise CorpusError(f"{manifest}: a checking process was killed (out of memory?); give fewer --jobs") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_languages(manifest: Path, utterances: Sequence[Utterance]) -> None:
    first = {utterance.language: utterance.id for utterance in reversed(utterances)}
    for language, id_ in first.items():
        try:
            frontend_of(language)
        except ConfigError as error:
            raise CorpusError(f"{manifest} (id {id_}): language is {language!r}, but {error}") from None


def _check_readable(manifest: Path, utterances: Sequence[Utterance], found: Sequence[Findings]) -> None:
    reasons = [findings.faults["unreadable"] for findings in found if "unreadable" in findings.faults]
    if len(reasons) == len(utterances):
        raise CorpusError(
            f"{manifest}: no recording can be read; the first, {audio_path(manifest, utterances[0])}: {reasons[0]} "
            "(relative paths start at the manifest's folder)"
        )


def _renewed(utterance: Utterance, found: Findings) -> Utterance:
    """An utterance with new findings in place of all it had from an earlier check."""
    foreign_measures = {name: value for name, value in utterance.measures.items() if name not in MEASURES}
    foreign_faults = {kind: reason for kind, reason in utterance.faults.items() if kind not in FAULTS}
    renewed = replace(utterance, measures=foreign_measures | found.measures, faults=foreign_faults)
    return _with_faults(renewed, found.faults)


def _with_cer(utterance: Utterance, before: Utterance, hearing: Hearing, limits: Limits) -> Utterance:
    """An utterance with its error rates: as just heard, or as heard before in the same audio and text."""
    if heard := hearing.heard.get(utterance.id):
        rates = {"cer": heard.cer, "per": heard.per}
        said = f"; heard: {heard.shown or 'nothing'}"
    elif all(name in before.measures for name in ("cer", "per")) and _is_as(before, utterance):
        rates = {name: before.measures[name] for name in ("cer", "per")}
        said = before.faults.get("cer", "").partition(";")[2]
        said = f";{said}" if said else ""
    else:
        return utterance
    utterance = replace(utterance, measures={**utterance.measures, **rates})
    n_edits = round(rates["per"] * utterance.measures["n_phonemes"])
    if min(rates.values()) <= limits.max_cer or n_edits < limits.min_phoneme_edits:
        return utterance
    return _with_faults(utterance, {"cer": f"{rates['cer']:.0%} of the characters differ{said}"})


def _is_as(before: Utterance, utterance: Utterance) -> bool:
    """Whether audio and text are those of an earlier check."""
    names = ("audio_hash", "text_hash")
    return all(name in before.measures and before.measures[name] == utterance.measures.get(name) for name in names)


def _with_faults(utterance: Utterance, faults: Mapping[str, str]) -> Utterance:
    """An utterance with more faults, those of a check in the order of FAULTS; earlier reasons stay."""
    both = {**faults, **utterance.faults}
    ordered = {kind: both[kind] for kind in FAULTS if kind in both}
    return replace(utterance, faults=ordered | both)

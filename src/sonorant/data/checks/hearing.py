"""Whether a recogniser hears the text that a recording is said to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonorant.audio.recognition import Recogniser, whisper_code
from sonorant.data.checks.recording import read_part
from sonorant.data.checks.script import phonemes_of
from sonorant.data.manifest import Utterance, audio_path
from sonorant.data.progress import Progress
from sonorant.errors import CorpusError
from sonorant.text.comparison import character_error_rate, spoken_form

_HEARD_CHARS = 120
# With one of these there is nothing to hear, or nothing to compare with.
_DEAF_TO = frozenset({"unreadable", "not_finite", "unspeakable"})


@dataclass(frozen=True)
class Heard:
    """What a recogniser made of one utterance."""

    text: str
    cer: float
    per: float
    """Edits per phoneme: small where another spelling says the same."""

    @property
    def shown(self) -> str:
        """The text, short enough for a line."""
        return self.text if len(self.text) <= _HEARD_CHARS else self.text[:_HEARD_CHARS] + "…"


@dataclass(frozen=True)
class Hearing:
    """What was heard, by id, and how many utterances of which languages the recogniser does not know."""

    heard: Mapping[str, Heard]
    n_unknown_language: Mapping[str, int]


def hear(
    manifest: Path, utterances: Sequence[Utterance], recogniser: Recogniser, *, jobs: int, progress: Progress
) -> Hearing:
    """Let a recogniser listen to all utterances of its languages that can be heard and compared.

    Raises CorpusError when it knows none of their languages.
    """
    known = [u for u in utterances if whisper_code(u.language) in recogniser.languages]
    unknown = Counter(u.language for u in utterances if whisper_code(u.language) not in recogniser.languages)
    if not known:
        raise CorpusError(
            f"{manifest}: the recogniser knows none of its languages ({', '.join(sorted(unknown))}); "
            "give a multilingual model"
        )
    judged = [u for u in known if not _DEAF_TO & u.faults.keys() and spoken_form(u.text, u.language)]

    def listen(utterance: Utterance) -> Heard:
        part = read_part(audio_path(manifest, utterance), utterance)
        mono = part.samples.mean(axis=1, dtype=np.float32)
        text = recogniser(mono, part.sample_rate_hz, language=whisper_code(utterance.language)) if mono.size else ""
        # Brackets would be read as markup.
        text = text.replace("[", " ").replace("]", " ").strip()
        return Heard(
            text=text, cer=_error_rate(spoken_form, utterance, text), per=_error_rate(phonemes_of, utterance, text)
        )

    with ThreadPoolExecutor(max_workers=jobs) as threads:
        try:
            done = progress(threads.map(listen, judged), n_total=len(judged), doing="listening")
            heard = {utterance.id: outcome for utterance, outcome in zip(judged, done, strict=True)}
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return Hearing(heard=heard, n_unknown_language=dict(unknown))


def _error_rate(form: Callable[[str, str], str], utterance: Utterance, heard: str) -> float:
    """Edits per character between the same form of an utterance's text and of what was heard."""
    reference, hypothesis = (form(text, utterance.language) for text in (utterance.text, heard))
    return round(character_error_rate([reference], [hypothesis]), 4)

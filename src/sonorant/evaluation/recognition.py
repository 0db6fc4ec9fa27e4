"""Whether speech is understood: edits between the text that was to be said and what a recogniser heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sonorant.audio.io import Samples
from sonorant.audio.recognition import Recogniser, whisper_code
from sonorant.errors import ParameterError, TextError
from sonorant.evaluation.packages import required
from sonorant.text.comparison import spoken_form


@dataclass(frozen=True)
class Errors:
    """What was heard wrongly of one sentence. Edits are substitutions, deletions and insertions.

    Add edits and lengths up over the sentences before dividing: a rate weighs a sentence by its length.
    """

    character_edits: int
    n_characters: int
    word_edits: int
    n_words: int

    @property
    def character_error_rate(self) -> float:
        """Above 1 where more was heard than there is."""
        return self.character_edits / self.n_characters

    @property
    def word_error_rate(self) -> float:
        return self.word_edits / self.n_words


def knows(recogniser: Recogniser, language: str) -> bool:
    """Whether a recogniser can listen to a language, given as voices name it: "en-us", "cmn"."""
    return whisper_code(language) in recogniser.languages


def hear(recogniser: Recogniser, samples: Samples, sample_rate_hz: int, *, language: str) -> str:
    """The text heard, "" for none. samples: [N] in [-1, 1]; language: as voices name it.

    Raises ConfigError for a language the recogniser does not know.
    """
    return recogniser(samples, sample_rate_hz, language=whisper_code(language)) if samples.size else ""


def error_rates(references: Sequence[str], heard: Sequence[str], *, language: str) -> list[Errors]:
    """The edits that make each reference what was heard, as spoken forms: case, marks and digits do not count.

    Raises TextError for a reference in which no word is said.
    """
    if len(references) != len(heard):
        raise ParameterError(f"{len(references)} references cannot be compared with {len(heard)} texts heard")
    return [_errors(reference, found, language) for reference, found in zip(references, heard, strict=True)]


def _errors(reference: str, heard: str, language: str) -> Errors:
    jiwer = required("jiwer", need="counting what was heard wrongly", package="jiwer")
    said = spoken_form(reference, language)
    if not said:
        raise TextError(f"no word is said in {reference!r}, so no error rate can be measured on it; leave it out")
    # Brackets would be read as markup.
    found = spoken_form(heard.replace("[", " ").replace("]", " "), language)
    characters, words = jiwer.process_characters(said, found), jiwer.process_words(said, found)
    return Errors(
        character_edits=characters.substitutions + characters.deletions + characters.insertions,
        n_characters=len(said),
        word_edits=words.substitutions + words.deletions + words.insertions,
        n_words=len(said.split()),
    )

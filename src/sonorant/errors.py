"""Every error sonorant raises for what a user can mend.

    SonorantError
    ├── ConfigError        a configuration or metadata file says something it may not
    ├── TextError          text that cannot be spoken
    ├── VoiceError         a voice is missing, broken, or lacks what was asked of it
    │   └── VoiceNotFoundError   there is no voice of that name
    ├── ImportingError     a foreign checkpoint that cannot become a voice
    ├── AudioError         an audio file that cannot be read or written
    ├── ParameterError     a parameter outside its range
    ├── CorpusError        recordings, a manifest, or a split that cannot be used
    ├── TrainingError      a run that cannot start, go on, or be resumed as asked
    └── MissingExtraError  an optional dependency is not installed

All are `ValueError`s. Each message is one line: what was found, what was expected, what to do.
The command line prints it and exits with 2.
"""

from __future__ import annotations


class SonorantError(ValueError):
    """The root: a mistake in what was given, not in the program."""


class ConfigError(SonorantError):
    """A configuration or metadata file says something it may not."""


class TextError(SonorantError):
    """Text that cannot be spoken: empty, not UTF-8, or broken markup."""


class VoiceError(SonorantError):
    """A voice is missing, broken, or lacks the speaker or language asked for."""


class VoiceNotFoundError(VoiceError):
    """There is no voice of the name given."""


class ImportingError(SonorantError):
    """A foreign checkpoint that cannot become a voice."""


class AudioError(SonorantError):
    """An audio or subtitle file that cannot be read or written."""


class ParameterError(SonorantError):
    """A parameter outside its range."""


class CorpusError(SonorantError):
    """Recordings, a manifest, or a split that cannot be used."""


class TrainingError(SonorantError):
    """A run that cannot start, go on, or be resumed as asked."""


class MissingExtraError(SonorantError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, need: str, *, package: str, extra: str) -> None:
        super().__init__(
            f"{need} needs the package '{package}', which is not installed: pip install 'sonorant[{extra}]'"
        )

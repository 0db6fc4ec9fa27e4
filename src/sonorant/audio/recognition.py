"""What a recogniser hears: Whisper models in CTranslate2 form, run by faster-whisper."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.errors import ConfigError, MissingExtraError

_RATE_HZ = 16000
# Without the tokenizer's file, faster-whisper would fetch one from the net.
_FILES = ("config.json", "model.bin", "tokenizer.json")
# Fast on every processor; and on a GPU, what every GPU has.
_COMPUTE_TYPE = {"cpu": "int8", "cuda": "float16"}
# Where Whisper's code of a language is not the first part of espeak-ng's.
_CODES = {"cmn": "zh", "nb": "no"}


class Recogniser:
    """A Whisper model from a folder. Several threads may call it; what it hears does not depend on their number."""

    def __init__(self, folder: Path, *, jobs: int = 1, device: Literal["cpu", "cuda"] = "cpu") -> None:
        """jobs: how many threads may listen at once.

        Raises ConfigError for a folder that holds no such model, or a device that cannot run it.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise MissingExtraError("recognising speech", package="faster-whisper", extra="evaluate") from None
        if not folder.is_dir():
            raise ConfigError(
                f"{folder}: there is no such folder; name one with a Whisper for faster-whisper (CTranslate2 form), "
                f"which holds {', '.join(_FILES)}"
            )
        for name in _FILES:
            if not (folder / name).is_file():
                raise ConfigError(
                    f"{folder}: is no Whisper folder for faster-whisper, {name} is missing; "
                    f"expected {', '.join(_FILES)} (CTranslate2 form)"
                )
        try:
            self._model: Any = WhisperModel(
                str(folder),
                device=device,
                compute_type=_COMPUTE_TYPE[device],
                cpu_threads=1,
                num_workers=jobs,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise ConfigError(
                f"{folder}: cannot be run as a Whisper model on {device} ({error}); fetch it anew"
            ) from None
        is_multilingual, token_of = self._model.model.is_multilingual, self._model.hf_tokenizer.token_to_id
        self.languages = frozenset(
            code
            for code in self._model.supported_languages
            if not is_multilingual or token_of(f"<|{code}|>") is not None
        )
        """Whisper's codes: "en", "zh". An English-only model knows "en" alone."""

    def __call__(self, samples: Samples, sample_rate_hz: int, *, language: str) -> str:
        """The text heard, "" for none. samples: [N] in [-1, 1]; language: one of `languages`."""
        if language not in self.languages:
            raise ConfigError(f"the recogniser knows no language {language!r}")
        segments, _ = self._model.transcribe(
            resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ),
            language=language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)


def whisper_code(language: str) -> str:
    """Whisper's code of a language as voices name it: "en" of "en-us", "zh" of "cmn"."""
    base = language.lower().replace("_", "-").partition("-")[0]
    return _CODES.get(base, base)

"""What a phoneme encoder is made of, what it reads, and what is hidden from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from sonorant.bounds import check_at_least, check_share
from sonorant.config import config
from sonorant.errors import ConfigError
from sonorant.nn.text_encoder import TextEncoderConfig

MAX_TOKENS = 512
"""Of a sentence; longer ones are left out, as in the paper."""


@config
class PhonemeEncoderConfig:
    """The sizes must be those of the model whose text encoder it shall become."""

    d_hidden: int = 192
    text_encoder: TextEncoderConfig = TextEncoderConfig()

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_hidden")
        if self.d_hidden % self.text_encoder.n_heads:
            raise ConfigError(
                f"d_hidden is {self.d_hidden}, which {self.text_encoder.n_heads} text_encoder.n_heads do not divide"
            )
        for name in ("speaker_layer", "log_std_bounds"):
            if getattr(self.text_encoder, name) is not None:
                raise ConfigError(f"text_encoder.{name} is set, but texts have no speaker and no prior: leave it out")


@config
class TextsConfig:
    """What is read."""

    texts: Path | Mapping[str, Path]
    """A folder of UTF-8 .txt files, at any depth; of several languages one each, by the language."""
    language: str | None = None
    """That of the folder, as en-us; where there are several, their names stand with the folders."""
    line_breaks: Literal["paragraphs", "spaces"] = "paragraphs"
    """What ends a paragraph: each line's end, or a blank line only, as in books whose lines are broken."""
    validation_share: float = 0.01
    """Of the sentences, chosen by what they are: the same ones, however the texts grow."""
    batch_tokens: int = 8192
    """Tokens in a batch of one process, padding included."""
    parts: int = 1
    """A batch is computed in so many parts, one after another: less memory, the same gradient."""
    cache: Path | None = None
    """Where phonemes are kept for other runs on the same texts; None keeps them only until the stage is complete."""

    def __post_init__(self) -> None:
        if isinstance(self.texts, Path) and self.language is None:
            raise ConfigError("language is not set: say what language the texts are in, as en-us")
        if isinstance(self.texts, Mapping) and self.language is not None:
            raise ConfigError(f"language is {self.language}, but texts names a folder for each language: leave it out")
        if not self.folders:
            raise ConfigError("texts is empty: name a folder")
        check_share(self, "validation_share")
        check_at_least(1, self, "parts")
        check_at_least(MAX_TOKENS, self, "batch_tokens")

    @property
    def folders(self) -> Mapping[str, Path]:
        """The folder of each language."""
        if isinstance(self.texts, Path):
            assert self.language is not None, "checked above"
            return {self.language: self.texts}
        return self.texts


@config
class MaskingConfig:
    """What is hidden: whole sup-phonemes, with all their phonemes. The paper gives the share, BERT its parts."""

    share: float = 0.15
    """Of the sup-phonemes, which are to be guessed."""
    hidden: float = 0.8
    """Of those, which are hidden."""
    replaced: float = 0.1
    """Of those, in whose place another stands; the rest is seen as it is."""
    phonemes_alone: float = 0.5
    """Of the sentences, which are read without their sup-phonemes."""

    def __post_init__(self) -> None:
        check_share(self, "share")
        if not self.share > 0:
            raise ConfigError("share is 0: nothing would be learned")
        for name in ("hidden", "replaced", "phonemes_alone"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be in 0 to 1")
        if self.hidden + self.replaced > 1:
            raise ConfigError(f"hidden is {self.hidden} and replaced {self.replaced}: together they must not exceed 1")

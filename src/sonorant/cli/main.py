"""The command `sonorant`: one line of error, exit code 2, and no traceback for what a user can mend."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from typing import Annotated

import typer

from sonorant.cli import align, convert, corpus, evaluate, finetune, phonemize, say, train, voices
from sonorant.errors import SonorantError

# Typer's usage errors, whichever click it is built on: BadParameter is a UsageError is a ClickException.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

_NO_MEMORY = "out of memory: give shorter paragraphs, or close other programs"

app = typer.Typer(
    name="sonorant",
    help="Speech synthesis with VITS-family voices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("say")(say.say)
app.command("convert")(convert.convert)
app.command("phonemize")(phonemize.phonemize)
app.command("train")(train.train)
app.command("finetune")(finetune.finetune)
app.command("align")(align.align)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(voices.app, name="voices")
app.add_typer(corpus.app, name="corpus")


def _version(wanted: bool) -> None:
    if wanted:
        from sonorant import __version__

        typer.echo(f"sonorant {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    del version


def run() -> None:
    """Run the command line and leave with its exit code: 0, or 2 for a mistake in what was given."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # phonemes on a terminal that has no letters for them
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)  # leave through the clean-up, with no part file behind
    raise SystemExit(main(sys.argv[1:]))


def _stop(number: int, frame: object) -> None:
    del frame
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Run the command line on some arguments; returns the exit code."""
    warnings.filterwarnings("ignore", category=UserWarning, module="torch")
    try:
        outcome = app(args=arguments, prog_name="sonorant", standalone_mode=False)
        sys.stdout.flush()
    except SonorantError as error:
        return _fail(str(error))
    except _ClickError as error:
        return _fail(_said(error))
    except BrokenPipeError:
        # The reader of our output has gone: stop quietly, and keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        return _fail(f"{what}{error.strerror or error}")
    except MemoryError:
        return _fail(_NO_MEMORY)
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # PyTorch's way of saying MemoryError
            raise
        return _fail(_NO_MEMORY)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", code=130)
    return outcome if isinstance(outcome, int) else 0


def _said(error: Exception) -> str:
    """A usage error, with the value that was found where Typer leaves it out."""
    said = str(error.format_message() if hasattr(error, "format_message") else error)
    before, should, _ = said.partition("Input should be ")
    faults = getattr(error.__cause__, "errors", None)
    if not should or faults is None:
        return said
    from sonorant.config import found_and_expected

    return before + found_and_expected(faults()[0])


def _fail(message: str, *, code: int = 2) -> int:
    line = " ".join(message.split())
    # File names may hold bytes that are no characters: show them escaped rather than fail on the message.
    sys.stderr.write(f"sonorant: {line}\n".encode("utf-8", "backslashreplace").decode("utf-8"))
    return code

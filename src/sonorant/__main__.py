"""`python -m sonorant` is the command `sonorant`."""

from __future__ import annotations

from sonorant.cli.main import run

if __name__ == "__main__":
    run()

"""Seeds made of names and numbers: the same for the same ones, on every machine, in every process."""

from __future__ import annotations

import hashlib


def seed_of(*what: int | str) -> int:
    """A seed below 2**63 for what is named."""
    digest = hashlib.blake2b("/".join(map(str, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1

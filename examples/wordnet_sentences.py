"""Everyday English for a teacher to say: the examples in WordNet. Run: python examples/wordnet_sentences.py OUT [COUNT]

    python examples/wordnet_sentences.py wordnet.txt 3000
    sonorant corpus speak wordnet.txt corpora/joe --voice joe

Downloads WordNet 3.0 (Debian's wordnet-base, 6.5 MB; free to use and redistribute with its notice) with apt-get, beside
OUT. Of its examples, those of 4 to 16 plain words are taken, in an order drawn once and for all.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from sonorant.data.corpora.debian import Package, fetch, unpack
from sonorant.seeds import seed_of

PACKAGE = Package(
    "wordnet-base_1%3a3.0-37_all.deb", 6467132, "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752"
)
PARTS = ("adj", "adv", "noun", "verb")
EXAMPLE = re.compile(r'"([^"]+)"')
# Plain words: no digits, abbreviations or names to guess at.
PLAIN = re.compile(r"[A-Za-z]?[a-z']*(,? [a-z']+){3,15}[.!?]?")


def sentences(folder: Path) -> list[str]:
    """The examples below a folder of WordNet's files, each once."""
    found: dict[str, None] = {}
    for part in PARTS:
        for line in (folder / f"data.{part}").read_text(encoding="ascii").splitlines():
            for example in EXAMPLE.findall(line.partition(" | ")[2]):
                if PLAIN.fullmatch(text := example.strip().replace(" i ", " I ")) or (
                    " I " in text and PLAIN.fullmatch(text.replace(" I ", " i "))
                ):
                    found[text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")] = None
    return sorted(found, key=lambda text: seed_of("wordnet", text))


def main() -> None:
    if len(sys.argv) not in (2, 3) or not (sys.argv[2:] or ["1"])[0].isdecimal():
        raise SystemExit(__doc__)
    out, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else None
    with tempfile.TemporaryDirectory() as scratch:
        instead = f"take it from a Debian mirror (pool/main/w/wordnet) and put it into {out.absolute().parent}"
        deb = fetch(PACKAGE, folder=out.absolute().parent, instead=instead, progress=lambda _: None)
        unpack(deb, Path(scratch))
        found = sentences(Path(scratch) / "usr/share/wordnet")
    chosen = found[:count]
    out.write_text("".join(f"{text}\n" for text in chosen), encoding="utf-8")
    print(f"{out}: {len(chosen):,} of {len(found):,} sentences")


if __name__ == "__main__":
    main()

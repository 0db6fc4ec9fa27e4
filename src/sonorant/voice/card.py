"""The card of a voice: the README.md in its folder."""

from __future__ import annotations

from pathlib import Path

from sonorant.voice.bundle import CARD
from sonorant.voice.manifest import VoiceManifest


def write(folder: Path, manifest: VoiceManifest, *, n_parameters: int, notes: tuple[str, ...] = ()) -> None:
    """Write the card. notes: what else a reader must know, one paragraph each."""
    (folder / CARD).write_text(text(manifest, n_parameters=n_parameters, notes=notes), encoding="utf-8")


def text(manifest: VoiceManifest, *, n_parameters: int, notes: tuple[str, ...]) -> str:
    """The card, Markdown with the front matter model hubs read."""
    codes = [language.code for language in manifest.frontend.languages]
    speakers = ", ".join(manifest.speakers[:10]) + (" …" if len(manifest.speakers) > 10 else "")
    front = ["---", "library_name: sonorant", "pipeline_tag: text-to-speech", f"tags: [{manifest.system}]", "language:"]
    front += [f"- {code.split('-')[0]}" for code in dict.fromkeys(codes)]
    front += [f"license: {manifest.licence or 'unknown'}", "---", ""]
    body = [
        f"# {manifest.title or manifest.name}",
        "",
        f"| system | {manifest.system} |",
        "|---|---|",
        f"| languages | {', '.join(codes)} |",
        f"| speakers | {len(manifest.speakers)}: {speakers} |",
        f"| sample rate | {manifest.sample_rate_hz} Hz |",
        f"| parameters | {n_parameters / 1e6:.2f} M |",
        f"| licence | {manifest.licence or 'not stated by its source'} |",
        f"| source | {manifest.source or 'not stated'} |",
        f"| made with | {manifest.made_with} |",
        "",
    ]
    for note in notes:
        body += [note, ""]
    body += ['Speak with it: `sonorant say "Hello." --voice PATH_OF_THIS_FOLDER -o hello.wav`', ""]
    return "\n".join(front + body)

"""Debian packages made by hand."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from sonorant.audio.io import Samples


def ar(members: Mapping[str, bytes]) -> bytes:
    """An ar archive."""
    archive = b"!<arch>\n"
    for name, contents in members.items():
        archive += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(contents):<10}`\n".encode()
        archive += contents + b"\n" * (len(contents) % 2)
    return archive


def tar(files: Mapping[str, bytes], *, coding: str = "xz") -> bytes:
    """A tar archive, compressed."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=f"w:{coding}") as archive:  # type: ignore[call-overload]
        for name, contents in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return held.getvalue()


def deb(path: Path, files: Mapping[str, bytes], *, coding: str = "xz") -> Path:
    """A package that installs these files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "data.tar" + (f".{coding}" if coding else "")
    path.write_bytes(
        ar({"debian-binary": b"2.0\n", "control.tar.xz": tar({"control": b"x"}), data: tar(files, coding=coding)})
    )
    return path


def g722(samples: Samples) -> bytes:
    """Samples at 16 kHz as headerless G.722."""
    import av
    import numpy as np

    held = io.BytesIO()
    with av.open(held, "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        pcm = np.rint(samples * 32767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return held.getvalue()


def fake_apt(folder: Path, pool: Path) -> Path:
    """A folder for PATH with an apt-get that takes packages from `pool`, and writes what it was asked to `asked`."""
    folder.mkdir()
    script = folder / "apt-get"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> "{folder}/asked"\n'
        'name="${2%%=*}"; version="${2#*=}"\n'
        f'cp "{pool}/${{name}}_${{version}}_all.deb" . 2>/dev/null && exit 0\n'
        'echo "E: Unable to locate package $name" >&2\n'
        "exit 100\n"
    )
    script.chmod(0o755)
    (folder / "asked").write_text("")
    return folder

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The rows about the built program: how fast it starts, and how large it is."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from benchmarks import scratch
from benchmarks.peers import MAKERS, PYINSTALLER, Peer, folder_bytes
from benchmarks.progress import StepError, run, say
from benchmarks.results import Figure, Row, Target
from benchmarks.session import OURS, OWN, Session, measure

# Many, as some are close.
START_RUNS = 60
WARM_UP_RUNS = 2

MB = 1e6


def start_and_size(session: Session) -> list[Row]:
    """Both rows, as they need the same builds."""
    peers, missing = _make_all(session)
    figures = _start_times(peers)
    figures.update({name: Figure(missing=reason) for name, reason in missing.items()})
    rows = []
    for name in (OWN, *MAKERS):
        # Pants' own backend is no peer that the program has to be ahead of.
        target = Target(share=1, below=True) if name != OWN else Target()
        work = f"start of the program, median of {START_RUNS}"
        rows.append(Row("start", work, "ms", name, figures[name], figures[OURS], target))
    sizes = {name: _size(peers, missing, name) for name in (OURS, OWN, PYINSTALLER)}
    work = "size of its install folder, release"
    rows += [
        Row("size", work, "MB", OWN, sizes[OWN], sizes[OURS]),
        Row("size", work, "MB", PYINSTALLER, sizes[PYINSTALLER], sizes[OURS], Target(share=2 / 3)),
    ]
    return rows


def _make_all(session: Session) -> tuple[dict[str, Peer], dict[str, str]]:
    """The programs that could be built, and for each other one the reason."""
    makers = {name: partial(_build, session, name) for name in (OURS, OWN)}
    makers.update({name: partial(make, session.workplace) for name, make in MAKERS.items()})
    peers, missing = {}, {}
    for name, make in makers.items():
        try:
            peers[name] = make()
            _start(peers[name])
            session.facts[name] = peers[name].version
        except StepError as error:
            say(f"start: {name} is missing: {error}")
            peers.pop(name, None)
            missing[name] = str(error)
    return peers, missing


def _build(session: Session, name: str) -> Peer:
    """The release build of one of the backends, as it comes."""
    say(f"Building the program in release mode: {name}")
    backend = session.backend(name)
    backend.package("start", args=["--pyoxidizer-args=--release"])
    binary = backend.binary("start", "release")
    return Peer(name, "PyOxidizer 0.24.0", (str(binary),), folder=binary.parent)


def _start(peer: Peer) -> float:
    """Run the program once; the milliseconds until its end."""
    start = time.perf_counter()
    output = run(peer.argv, env=dict(peer.env), cwd=Path("/"), timeout=120)
    seconds = time.perf_counter() - start
    if output != scratch.START_OUTPUT:
        raise StepError(f"the program printed {output[:200]!r}")
    return seconds * 1000


def _start_times(peers: dict[str, Peer]) -> dict[str, Figure]:
    sides = {name: partial(_start, peer) for name, peer in peers.items()}
    figures = measure("start (ms)", WARM_UP_RUNS + START_RUNS, sides)
    return {
        name: Figure(figure.samples[WARM_UP_RUNS:], figure.missing)
        for name, figure in figures.items()
    }


def _size(peers: dict[str, Peer], missing: dict[str, str], name: str) -> Figure:
    peer = peers.get(name)
    if peer is None or peer.folder is None:
        return Figure(missing=missing.get(name, "there is no folder"))
    return Figure((folder_bytes(peer.folder) / MB,))

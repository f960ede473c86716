# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A cache that speaks the Remote Execution API, on this machine: BuildGrid, in a venv."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator

from benchmarks.progress import StepError, last_lines, say
from benchmarks.workplace import Workplace

START_SECONDS = 60

# BuildGrid's configuration: a store on disk, and a list of actions that points into it.
_CONFIGURATION = """\
server:
  - !channel
    address: 127.0.0.1:{port}
    insecure-mode: true

instances:
  - name: main
    storages:
      - !disk-storage &store
        path: {store}
    caches:
      - !lru-action-cache &actions
        storage: *store
        max-cached-refs: 100000
        allow-updates: true
    services:
      - !action-cache
        cache: *actions
      - !cas
        storage: *store
      - !bytestream
        storage: *store

thread-pool-size: 200  # Pants asks for up to 128 things at once; a thread each.
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once somebody listens; StepError if the server ends, or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise StepError(f"BuildGrid does not start: {last_lines(log.read_text(errors='replace'))}")


@contextlib.contextmanager
def remote_cache(workplace: Workplace) -> Iterator[tuple[str, ...]]:
    """An empty cache while the `with` lasts; what it gives are the options of Pants for it."""
    server = workplace.venv("buildgrid").parent / "bgd"
    folder = workplace.folder / "buildgrid"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "store").mkdir(parents=True)
    port = free_port()
    configuration, log = folder / "server.yml", folder / "log"
    store = json.dumps(str(folder / "store"))
    configuration.write_text(_CONFIGURATION.format(port=port, store=store))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(server), "server", "start", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
        )
        try:
            wait_for(port, process, log)
            say(f"BuildGrid serves a remote cache on port {port}")
            yield (
                "--remote-cache-read",
                "--remote-cache-write",
                f"--remote-store-address=grpc://127.0.0.1:{port}",
                "--remote-instance-name=main",
            )
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)

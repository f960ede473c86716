# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Repositories with either backend, and Pants run in them as a user runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Mapping, Sequence

from benchmarks import scratch
from benchmarks.processes import Observation, Observer, command
from benchmarks.progress import StepError, last_lines, run

PANTS_VERSION = "2.17.1"

TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Run:
    """A run of Pants that succeeded: when it began, in seconds since the epoch, its seconds of
    wall time, what it wrote, and its processes if they were observed."""

    began: float
    seconds: float
    log: str
    observation: Observation | None = None


@dataclass(frozen=True)
class Backend:
    """A repository below `folder` that uses one of the backends, with caches of its own.

    `caches` holds all that is kept between runs: Pants' store and named caches, CARGO_HOME, and
    XDG_CACHE_HOME, where pip keeps its downloads.
    """

    name: str
    launcher: Path
    folder: Path
    caches: Path
    global_args: tuple[str, ...] = ()
    daemon: bool = True

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def write(self, files: Mapping[str, str]) -> None:
        for name, content in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def without_daemon(self) -> Backend:
        return replace(self, daemon=False)

    def edit(self, program: str) -> str:
        """Change the one line that the program prints; the new line."""
        line = f"{program} says {uuid.uuid4()}"
        self.write({f"{program}/line.py": scratch.LINE_MODULE.format(line=line)})
        return line

    def package(self, *programs: str, args: Sequence[str] = (), interval: float = 0) -> Run:
        """Run `package` for the programs' binaries; observe processes every `interval` seconds."""
        argv = [
            str(self.launcher),
            "--no-dynamic-ui",
            "--no-colors",
            "--pantsd" if self.daemon else "--no-pantsd",
            *self.global_args,
            *args,
            "package",
            *(f"{program}:bin" for program in programs),
        ]
        log = self.folder / "pants.log"
        with log.open("w") as file:
            began, start = time.time(), time.perf_counter()
            process = subprocess.Popen(
                argv,
                cwd=self.repository,
                env=environment(self.caches),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            observer = Observer(lambda: [process.pid, *self.daemon_pids()], interval)
            try:
                with observer:
                    status = process.wait(TIMEOUT_SECONDS)
            except BaseException as error:
                process.terminate()
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise StepError(f"{self.name}: no end after {TIMEOUT_SECONDS} s") from error
                raise
            seconds = time.perf_counter() - start
        text = log.read_text(errors="replace")
        if status != 0:
            raise StepError(f"{self.name}: Pants exits {status}: {last_lines(text, 8)}")
        return Run(began, seconds, text, observer.result if interval else None)

    def binary(self, program: str, mode: str = "debug") -> Path:
        """The executable that was built last."""
        found = sorted(self.repository.glob(f"dist/{program}/bin/*/{mode}/install/bin"))
        if len(found) != 1:
            raise StepError(f"{self.name}: {len(found)} executables of {program} in {mode} mode")
        return found[0]

    def check(self, program: str, line: str, mode: str = "debug") -> None:
        """Start the executable as on another machine; StepError if it does not print `line`."""
        printed = run([self.binary(program, mode)], env={}, cwd=Path("/"), timeout=120)
        if printed != line + "\n":
            raise StepError(f"{self.name}: {program} printed {printed[:200]!r}, not {line!r}")

    def daemon_pids(self) -> list[int]:
        """The processes of this repository's pantsd."""
        pids = []
        for file in self.repository.glob(".pids/*/pantsd/pid"):
            try:
                pid = int(file.read_text())
            except (OSError, ValueError):
                continue
            # The file may be left of a daemon that was killed, and its id another process's now.
            if f"pantsd [{self.repository}]" in command(pid):
                pids.append(pid)
        return pids

    def stop_daemon(self) -> None:
        """End this repository's pantsd, and wait until it is gone."""
        for pid in self.daemon_pids():
            for _ in range(100):
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    break
                time.sleep(0.1)
        shutil.rmtree(self.repository / ".pids", ignore_errors=True)

    def forget(self) -> None:
        """Delete what was kept: as on a machine on which nothing was built yet."""
        self.stop_daemon()
        shutil.rmtree(self.caches, ignore_errors=True)
        for name in ("dist", ".pants.d"):
            shutil.rmtree(self.repository / name, ignore_errors=True)

    def discard(self) -> None:
        """Delete the repository and the caches, for the room that they take."""
        self.forget()
        shutil.rmtree(self.folder, ignore_errors=True)


def environment(caches: Path) -> dict[str, str]:
    """Pants' environment: that of the shell, but for the caches and for Pants' own settings."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PANTS_", "PEX", "PYTHON"))}
    for name in (
        "PANTS_CA_CERTS_PATH",
        "PANTS_PEX_CLI_KNOWN_VERSIONS",
        "PANTS_PEX_CLI_URL_TEMPLATE",
        "PANTS_PEX_CLI_VERSION",
    ):
        if name in os.environ:
            env[name] = os.environ[name]
    env["PANTS_LOCAL_STORE_DIR"] = str(caches / "lmdb_store")
    env["PANTS_NAMED_CACHES_DIR"] = str(caches / "named_caches")
    env["CARGO_HOME"] = str(caches / "cargo")
    env["PANTS_VERSION"] = PANTS_VERSION
    return env

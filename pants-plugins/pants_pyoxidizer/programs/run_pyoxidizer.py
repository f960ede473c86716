# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs PyOxidizer in the sandbox, and says which of the files that it wrote is the executable.

usage: run_pyoxidizer.py --name NAME --result FILE -- ARGUMENT...

The arguments are PyOxidizer's. Its output is kept in `pyoxidizer.log`, and shown in part when it
fails: a cargo build prints thousands of lines. FILE is JSON: `{"executable": PATH}`, relative to
PyOxidizer's `build` folder.

Environment: PANTS_PYOXIDIZER_PATH becomes PATH (what starts this program sets another one), and
PANTS_PYOXIDIZER_BUILT names the file in which the cargo driver notes what it built.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Sequence

BUILD_DIR = Path("build")
LOG = Path("pyoxidizer.log")
SHOWN_LINES = 60
EXTRACTED = "extracted"

# What an executable starts with: ELF, and Mach-O of 64 bits in both byte orders.
MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()

    status = run(options.arguments)
    if status != 0:
        print(failure(LOG.read_text(errors="replace"), status), file=sys.stderr)
        return 1
    built = find_executables(BUILD_DIR, noted_hashes(), options.name)
    if len(built) != 1:
        print(ambiguous(built, options.name), file=sys.stderr)
        return 1
    Path(options.result).write_text(json.dumps({"executable": built[0]}))
    return 0


def run(arguments: Sequence[str]) -> int:
    """Run PyOxidizer, with its output in the log, and return its exit status."""
    pyoxidizer = os.path.join(os.path.dirname(sys.executable), "pyoxidizer")
    env = {**os.environ, "PATH": os.environ["PANTS_PYOXIDIZER_PATH"]}
    env["PANTS_PYOXIDIZER_PYTHON"] = sys.executable
    # PyOxidizer's temporary folders hold half a gigabyte. Here, they go when the sandbox goes.
    env["TMPDIR"] = os.path.abspath("__tmp")
    os.mkdir(env["TMPDIR"])
    # These are of the interpreter that runs this program, not of the one that PyOxidizer starts.
    for name in [name for name in env if name.startswith("PEX_")]:
        del env[name]
    cache = Path(env["PYOXIDIZER_CACHE_DIR"])
    with extraction_lock(cache), LOG.open("wb") as log:
        process = subprocess.Popen([pyoxidizer, *arguments], env=env, stdout=log, stderr=log)
        # When Pants cancels the process, PyOxidizer and cargo shall end with it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: process.send_signal(received))
        status = process.wait()
        if status == 0:
            (cache / EXTRACTED).touch()
        return status


@contextlib.contextmanager
def extraction_lock(cache: Path) -> Iterator[None]:
    """Keep others out while PyOxidizer copies and extracts the archive of its Python.

    PyOxidizer overwrites the copy that another build may be reading. The folder counts only with
    the mark of a build that succeeded: one that was killed may have left half an extraction.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache.parent / f"{cache.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not (cache / EXTRACTED).exists():
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (cache / EXTRACTED).exists():  # By the build that was waited for.
                fcntl.flock(lock, fcntl.LOCK_SH)
            else:
                shutil.rmtree(cache)
                cache.mkdir()
        yield


def failure(log: str, status: int) -> str:
    """What to show of `log`, the output of a run that ended with `status`."""
    lines = log.rstrip().splitlines()
    shown = lines[-SHOWN_LINES:]
    left_out = len(lines) - len(shown)
    heading = f"PyOxidizer failed with exit status {status}."
    if left_out:
        heading += (
            f" These are the last {len(shown)} of {len(lines)} lines; with"
            f" `--keep-sandboxes=on_failure`, all are in {LOG}."
        )
    return "\n".join([heading, *shown])


def noted_hashes() -> set[str] | None:
    """The SHA-256 of each executable that the cargo driver noted; None without a driver."""
    noted = os.environ.get("PANTS_PYOXIDIZER_BUILT")
    if noted is None:
        return None
    path = Path(noted)
    return set(path.read_text().split()) if path.exists() else set()


def find_executables(build_dir: Path, hashes: set[str] | None, name: str) -> list[str]:
    """The paths below `build_dir` of what was built: by content, or else by `name`.

    When a template installs several executables, the one called `name` is meant.
    """
    found = []
    for folder, _, files in os.walk(build_dir):
        for file in files:
            path = Path(folder, file)
            if path.is_symlink() or not os.access(path, os.X_OK):
                continue
            if file == name if hashes is None else is_noted(path, hashes):
                found.append(path.relative_to(build_dir).as_posix())
    named = [path for path in found if path.rsplit("/", 1)[-1] == name]
    return sorted(named if len(found) > 1 else found)


def is_noted(path: Path, hashes: set[str]) -> bool:
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            return False
        file.seek(0)
        hasher = hashlib.sha256()
        for chunk in iter(lambda: file.read(1 << 20), b""):
            hasher.update(chunk)
    return hasher.hexdigest() in hashes


def ambiguous(built: Sequence[str], name: str) -> str:
    if not built:
        return (
            "PyOxidizer built no executable. The template must install one: its default target"
            ' is usually a FileManifest with `files.add_python_resource(".", exe)`.'
        )
    return (
        f"PyOxidizer built several executables, and not exactly one is called {name}:"
        f" {', '.join(built)}. Give one the name `$NAME` in the template."
    )


if __name__ == "__main__":
    sys.exit(main())

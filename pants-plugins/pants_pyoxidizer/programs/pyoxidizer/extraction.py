# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Shares the folder in which PyOxidizer extracts the packed Python among builds."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ..cargo.locked_folders import LOCK, Lock, prune

# In a folder of PyOxidizer's cache: the sizes of the extracted files.
EXTRACTED = "extracted.json"
ARCHIVE = "python_distributions/python.tar.zst"  # PyOxidizer's copy of the packed Python.
LAST_EXTRACTED = "python_distributions/python.*/python/PYTHON.json"


def writable(cache: Path) -> Path | None:
    """`cache`, if it and its parent are writable."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        for folder in (cache, cache.parent):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as problem:
        print(f"{cache} cannot be used ({problem}); extracting Python again", file=sys.stderr)
        return None
    return cache


def is_extracted(cache: Path) -> bool:
    """Whether PyOxidizer has extracted our archive, whose last file is PYTHON.json."""
    if not (cache / ARCHIVE).exists():
        return False
    try:
        return any(json.loads(path.read_bytes()) for path in cache.glob(LAST_EXTRACTED))
    except ValueError:  # PyOxidizer is still writing it.
        return False


class ExtractionLock:
    """Excludes other builds while PyOxidizer copies and extracts the archive of its Python.

    PyOxidizer overwrites the copy, which another build may be reading. EXTRACTED lists the size of
    each file. Without it the folder is not trusted, because a killed build may have left half of
    the files. Neither is it if files are missing or truncated, because PyOxidizer would omit them.

    Before a Python is extracted, old ones are pruned.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._note = cache / EXTRACTED
        self._lock = Lock(cache / LOCK)
        self.is_shared = False

    def __enter__(self) -> ExtractionLock:
        self._lock.take(exclusive=False)
        self.is_shared = self._is_whole()
        if not self.is_shared:
            self._lock.take(exclusive=True)
            if self._is_whole():  # The other build has extracted it.
                self._lock.take(exclusive=False)
                self.is_shared = True
            else:
                with contextlib.suppress(OSError):  # Another process may prune as well.
                    prune(self.cache.parent, time.time())
                empty(self.cache, keep=LOCK)
        return self

    def __exit__(self, *problem: object) -> None:
        self._lock.__exit__(*problem)

    def share(self) -> None:
        """Record that all files are extracted, and let other builds in."""
        if not self.is_shared:
            unfinished = self._note.with_suffix(".new")
            unfinished.write_text(json.dumps(self._sizes()))
            unfinished.replace(self._note)
            self._lock.take(exclusive=False)
            self.is_shared = True

    def _is_whole(self) -> bool:
        try:
            noted = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return False
        # Python may have added bytecode.
        return bool(noted.items() <= self._sizes().items())

    def _sizes(self) -> dict[str, int]:
        return {
            str(path.relative_to(self.cache)): path.stat().st_size
            for path in self.cache.glob("python_distributions/python.*/**/*")
            if path.is_file()
        }


def empty(folder: Path, keep: str) -> None:
    """Remove everything in `folder` except the file called `keep`."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != keep:
            path.unlink()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Folders that processes share, each with a file `lock`, and the removal of old ones."""

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path, PurePath
from typing import List, Optional

LOCK = "lock"
MAX_AGE = 30 * 24 * 3600.0
MAX_BYTES = 10 << 30
ALWAYS_KEPT = 3  # The most recently used folders stay, however old or large.
# Folders that were used within the last hour stay as well: a process that turns its exclusive lock
# into a shared one holds none in between.
MIN_AGE = 3600.0


class Lock:
    """An advisory lock on a file. The kernel releases it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: Optional[int] = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def take(self, exclusive: bool, wait: bool = True) -> bool:
        """Take the lock or change its kind. False if another process has it and `wait` is False."""
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        while True:
            if not self.is_current():
                self.__exit__()  # The file was pruned or deleted, and perhaps replaced.
            if self._fd is None:
                self._fd = self._open()
            try:
                fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    return False
                message = f"waiting for another build ({self.path.parent.name})"
                print(message, file=sys.stderr, flush=True)
                fcntl.flock(self._fd, kind)
            if self.is_current():
                with contextlib.suppress(OSError):
                    os.utime(self._fd)  # The time of the last use, for prune().
                return True

    def _open(self) -> int:
        try:
            for _ in range(100):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # If it is not found, another process has just removed the folder.
                with contextlib.suppress(FileNotFoundError):
                    return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            raise FileNotFoundError(f"{self.path.parent} is repeatedly removed")
        except OSError as error:
            try:
                return os.open(self.path, os.O_RDONLY)  # A read-only cache is good enough.
            except OSError:
                raise error from None

    def is_current(self) -> bool:
        """Whether the path still names the locked file; true if nothing is locked."""
        try:
            return self._fd is None or os.path.samestat(os.fstat(self._fd), self.path.stat())
        except FileNotFoundError:
            return False


def prune(folder: Path, now: float) -> None:
    """Remove folders in `folder` that are too old or exceed MAX_BYTES, unless they are in use.

    `now` is in seconds since the epoch.
    """

    def last_use(path: Path) -> float:
        lock = path / LOCK
        return lock.stat().st_mtime if lock.exists() else 0.0

    total = 0
    folders = filter(Path.is_dir, folder.iterdir() if folder.exists() else ())
    by_use = sorted(((last_use(path), path) for path in folders), reverse=True)
    for position, (used, path) in enumerate(by_use):
        is_kept = position < ALWAYS_KEPT or now - used < MIN_AGE
        is_old = now - used > MAX_AGE
        size = sum((path / file).stat().st_size for file in relative_files(path))
        if is_kept or not (is_old or total + size > MAX_BYTES):
            total += size
            continue
        if last_use(path) != used:
            continue  # Another process has used it in the meantime.
        with Lock(path / LOCK) as lock:
            if lock.take(exclusive=True, wait=False):
                # A rename frees the path at once for a process that creates a new folder.
                removed = path.with_name(f"{path.name}.pruned")
                shutil.rmtree(removed, ignore_errors=True)  # Left by an interrupted process.
                path.rename(removed)
                shutil.rmtree(removed, ignore_errors=True)


def relative_files(folder: Path) -> List[PurePath]:
    found = []
    for parent, _, names in os.walk(folder):
        found += [PurePath(parent, name) for name in names]
    return sorted(path.relative_to(folder) for path in found if not os.path.islink(path))

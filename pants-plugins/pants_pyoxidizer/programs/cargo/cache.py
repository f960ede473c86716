# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The cargo driver's cache: compiled crates and downloads, in a folder that processes share.

    entries/KEY/lock            shared to read the entry, exclusive to write it (`locked_folders`)
    entries/KEY/artifacts/      the PyO3 configuration and libpython, at a stable path
    entries/KEY/crates/         the target folder without the project's own files
    entries/KEY/manifest.json   sizes, checksums and times of both; written last
    homes/HASH/                 CARGO_HOME: the crates of one Cargo.lock, and a lock

A build copies an entry into its own folder and checks each file. So builds never share executables,
and a damaged, full, read-only or deleted cache only costs time. A process that finds no entry
creates it under the lock while others wait. The kernel releases the lock of a process that dies.

Raise `project.FORMAT`, which is part of KEY, when the content of an entry changes.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from .locked_folders import Lock, relative_files
from .project import CHUNK, LIBRARIES, LinkInputs, Project, short_hash

FIXED_TIME = 1_000_000_000  # For artifacts: cargo must not take rewritten ones for newer.


def say(message: str) -> None:
    print(f"crates: {message}", file=sys.stderr, flush=True)


class Entry:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.lock = Lock(path / "lock")
        self.config = path / "artifacts" / "pyo3-build-config-file.txt"
        self._crates = path / "crates"
        self._manifest = path / "manifest.json"
        self._files: Dict[str, List[int]] = {}  # Size, CRC-32 and time of change.
        self._problem = ""

    def take(self, target_dir: Path) -> bool:
        """Fill `target_dir`. If False, the caller holds the exclusive lock to create the entry."""
        for exclusive in (False, True):
            self.lock.take(exclusive)
            if self._seed(target_dir):
                self.lock.take(exclusive=False)
                return True
        if self._problem:
            say(f"cached crates are damaged ({self.name}: {self._problem})")
        return False

    def take_from_similar(self, target_dir: Path) -> "Optional[Entry]":
        """Fill `target_dir` from an entry with another libpython: four fifths of the crates match.

        Cargo sees that the PyO3 configuration has changed and recompiles what depends on it.
        """
        similar = self.name.split("-")[0] + "-" + "?" * 16
        for path in sorted(self.path.parent.glob(similar)):
            other = Entry(path)
            with other.lock:
                if path != self.path and other.lock.take(exclusive=False, wait=False):
                    if other._seed(target_dir):
                        return other
        return None

    def discard(self) -> None:
        """Make the next build recreate the entry."""
        with contextlib.suppress(OSError), self.lock:
            if self.lock.take(exclusive=True, wait=False):
                self._manifest.unlink()

    def _seed(self, target_dir: Path) -> bool:
        def put(item: Tuple[str, List[int]]) -> None:
            name, (size, crc, changed) = item
            source = self.path / name
            if checksum(source) != (size, crc):
                raise ValueError(f"{name} has changed")
            if source.stat().st_mtime_ns != changed:  # The cache was restored from a copy.
                os.utime(source, ns=(changed, changed))
            if self._crates in source.parents:
                link_or_copy(source, target_dir / source.relative_to(self._crates))

        try:
            if not self._manifest.exists():
                return False
            self._files = json.loads(self._manifest.read_text())
            for folder in {(self.path / name).parent for name in self._files}:
                if self._crates in (folder, *folder.parents):
                    inside = folder.relative_to(self._crates)
                    (target_dir / inside).mkdir(parents=True, exist_ok=True)
            in_parallel(put, self._files.items())
            return True
        except (OSError, ValueError, TypeError, AttributeError) as problem:
            self._problem = str(problem)
            shutil.rmtree(target_dir, ignore_errors=True)
            return False

    def start(self, link: LinkInputs) -> None:
        """Reset the entry to the lock and the artifacts."""
        self.lock.take(exclusive=True)
        with contextlib.suppress(FileNotFoundError):
            self._manifest.unlink()
        for path in (self._crates, self.config.parent):
            shutil.rmtree(path, ignore_errors=True)
        self.config.parent.mkdir()
        for name, path in link.libraries:
            shutil.copyfile(path, self.config.parent / name)
        self.config.write_text(link.config.replace(LIBRARIES, str(self.config.parent)))
        for path in self.config.parent.iterdir():
            os.utime(path, (FIXED_TIME, FIXED_TIME))

    def differs(self, target_dir: Path) -> bool:
        """Whether cargo recompiled any crate of this entry."""
        libraries = (self.path / name for name in self._files if name.endswith(".rlib"))
        return any(
            (target_dir / path.relative_to(self._crates)).stat().st_mtime_ns
            != self._files[str(path.relative_to(self.path))][2]
            for path in libraries
        )

    def publish(self, target_dir: Path, project: Project) -> None:
        def put(path: PurePath) -> None:
            target = self._crates / path
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(target_dir / path, target)

        def row(path: PurePath) -> Tuple[str, List[int]]:
            return str(path), [*checksum(self.path / path), (self.path / path).stat().st_mtime_ns]

        if not self.lock.is_current():
            raise FileNotFoundError("the cache was deleted during the build")
        with contextlib.suppress(FileNotFoundError):
            self._manifest.unlink()
        shutil.rmtree(self._crates, ignore_errors=True)
        try:
            in_parallel(put, filter(project.is_crate, relative_files(target_dir)))
            files = (path for path in relative_files(self.path) if len(path.parts) > 1)
            unfinished = self.path / "manifest.new"
            unfinished.write_text(json.dumps(dict(in_parallel(row, files))))
            unfinished.replace(self._manifest)
        except OSError:
            shutil.rmtree(self._crates, ignore_errors=True)  # Others may need the space.
            raise


class CargoHome:
    """CARGO_HOME for one Cargo.lock: its crates, copied from a local registry, and their sources.

    Cargo recompiles crates whose sources have moved, so they are unpacked at a stable path.
    """

    def __init__(self, path: Path, registry: Path) -> None:
        self.path = path
        self.lock = Lock(path / "lock")
        self._registry = registry
        self._copy = path / "crates"

    @classmethod
    def of(cls, cache: Path, project: Project, env: Mapping[str, str]) -> "CargoHome":
        return cls(cache / "homes" / short_hash(project.lock), registry_folder(env))

    def enter(self) -> bool:
        """Copy missing crates, and hold a shared lock. True if all crates were already there."""
        names = relative_files(self._registry)
        note = self.path / f"complete-{short_hash(list(map(str, names)))}"
        is_complete = note.exists()
        if not is_complete and not self.lock.take(exclusive=True, wait=False):
            # The holder may be copying the same crates. It shares the lock while it compiles.
            self.lock.take(exclusive=False)
            if not note.exists():
                self.lock.take(exclusive=True)
        if not note.exists():
            for name in names:
                copy_if_other(self._registry / name, self._copy / name)
            replace_crates_io(self.path, self._copy)
            note.touch()
        self.lock.take(exclusive=False)
        return is_complete

    def repair(self) -> None:
        """Make the next build copy damaged and missing crates, and unpack all of them."""
        with contextlib.suppress(OSError):
            self.lock.take(exclusive=True)
            for note in self.path.glob("complete-*"):
                note.unlink()
            shutil.rmtree(self.path / "registry", ignore_errors=True)


def registry_folder(env: Mapping[str, str]) -> Path:
    return Path(os.path.realpath(env["PANTS_PYOXIDIZER_REGISTRY"]))


def replace_crates_io(home: Path, registry: Path) -> None:
    """Make a CARGO_HOME take all crates from a local registry."""
    quoted = json.dumps(str(registry), ensure_ascii=False)  # Valid TOML as well.
    (home / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "fetched"\n\n'
        f"[source.fetched]\nlocal-registry = {quoted}\n"
    )


def require_space(folder: Path) -> None:
    """Raises OSError if the folder cannot be written to, which may be why cargo failed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(8 * CHUNK))


# --- Files ---


def checksum(path: Path) -> Tuple[int, int]:
    """Size and CRC-32: detects accidental damage, three times as fast as a SHA-256."""
    size = crc = 0
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def copy_if_other(source: Path, target: Path) -> None:
    if not target.exists() or checksum(source) != checksum(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link libraries of crates, which rustc replaces; copy what cargo writes in place."""
    if source.suffix in (".rlib", ".rmeta"):
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
    target.chmod(target.stat().st_mode | 0o200)  # The cache may be read-only.


def in_parallel(function: Callable[[Any], Any], items: Iterable[Any]) -> List[Any]:
    with ThreadPoolExecutor(max_workers=4) as threads:
        return list(threads.map(function, items))

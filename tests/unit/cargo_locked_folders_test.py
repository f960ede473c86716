# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from pants_pyoxidizer.programs.cargo import locked_folders
from pants_pyoxidizer.programs.cargo.locked_folders import Lock, prune


def test_lock_on_a_file_that_was_replaced(tmp_path: Path) -> None:
    with Lock(tmp_path / "x/lock") as held, Lock(tmp_path / "x/lock") as other:
        assert held.take(exclusive=False) and other.take(exclusive=False)
        assert not held.take(exclusive=True, wait=False)
        shutil.rmtree(tmp_path / "x")
        assert not held.is_current()
        assert held.take(exclusive=True) and held.is_current()


def make_entry(folder: Path, name: str, days_ago: float, size: int) -> None:
    path = folder / name
    path.mkdir(parents=True)
    (path / "data").write_bytes(bytes(size))
    (path / "lock").touch()
    then = time.time() - days_ago * 24 * 3600
    os.utime(path / "lock", (then, then))


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        # The newest three stay, whatever their age and size.
        ([40, 50, 60, 70], [40, 50, 60]),
        ([1, 2, 3, 29, 31], [1, 2, 3, 29]),
        # A hundred bytes each, of 450.
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4]),
        # Those of the last hour stay.
        ([0, 0.01, 0.02, 0.03, 0.04, 2], [0, 0.01, 0.02, 0.03, 0.04]),
    ],
)
def test_prune(
    ages: list[float], expected: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked_folders, "MAX_BYTES", 450)
    for age in ages:
        make_entry(tmp_path, f"{age:05.2f}", age, 100)
    prune(tmp_path, time.time())
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{age:05.2f}" for age in expected]


def test_prune_leaves_what_is_in_use(tmp_path: Path) -> None:
    for age in (40, 41, 42, 43, 44):
        make_entry(tmp_path, str(age), age, 1)
    with Lock(tmp_path / "44/lock") as lock:
        lock.take(exclusive=False)
        os.utime(tmp_path / "44/lock", (1e9, 1e9))
        prune(tmp_path, time.time())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["40", "41", "42", "44"]


def test_prune_removes_what_an_interrupted_one_left(tmp_path: Path) -> None:
    for age in (1, 2, 3):
        make_entry(tmp_path, str(age), age, 1)
    make_entry(tmp_path, "40", 40, 1)
    for name in ("4", "40"):
        (tmp_path / f"{name}.pruned/crates").mkdir(parents=True)
    (tmp_path / "file").touch()
    prune(tmp_path, time.time())
    (tmp_path / "file").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from pants.base.build_root import BuildRoot
from pants.engine.fs import EMPTY_DIGEST, Digest, PathGlobs
from pants.engine.process import Process, ProcessCacheScope, ProcessResult
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import execute_process_or_raise, path_globs_to_digest
from pants_pyoxidizer.util_rules.named_caches import (
    NamedCachesError,
    UsableNamedCaches,
    check_named_caches,
)
from rules.mocks import run_rule

VISIBLE = Digest("a" * 64, 1)


def check(root: Path, folder: Path, found: Digest) -> list[str]:
    """What was done, in order."""
    done = []

    def run(process: Process) -> ProcessResult:
        assert process == Process(
            ("/bin/sh", "-c", ":"),
            description="",
            level=LogLevel.DEBUG,
            append_only_caches={"pyoxidizer_links": ".cache/pyoxidizer_links"},
            cache_scope=ProcessCacheScope.PER_SESSION,
        )
        done.append("make the folder")
        return Mock()

    def look(globs: PathGlobs) -> Digest:
        done.extend(f"look for {glob}" for glob in globs.globs)
        return found

    root.mkdir(exist_ok=True)
    build_root = BuildRoot()
    before = build_root.path
    build_root.path = str(root)
    try:
        usable = run_rule(
            check_named_caches,
            Mock(named_caches_dir=folder.resolve()),
            build_root,
            mocks={execute_process_or_raise: run, path_globs_to_digest: look},
        )
    finally:
        build_root.path = before
    assert usable == UsableNamedCaches()
    return done


def test_named_caches_outside_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    for folder in (tmp_path / "caches", tmp_path, tmp_path / "repository-caches"):
        assert check(root, folder, VISIBLE) == []


def test_named_caches_in_a_folder_that_pants_ignores(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    done = ["make the folder", "look for ci/caches/pyoxidizer_links"]
    assert check(root, root / "ci/caches", EMPTY_DIGEST) == done
    # The root may be named by a link.
    (tmp_path / "link").symlink_to(root)
    assert check(tmp_path / "link", tmp_path / "link/ci/caches", EMPTY_DIGEST) == done
    assert check(root, root, EMPTY_DIGEST) == ["make the folder", "look for pyoxidizer_links"]


def test_named_caches_in_a_folder_that_pants_reads(tmp_path: Path) -> None:
    with pytest.raises(NamedCachesError) as e:
        check(tmp_path, tmp_path / "ci/caches", VISIBLE)
    assert str(e.value) == (
        f"`[GLOBAL].named_caches_dir` is {tmp_path}/ci/caches, a folder of this repository that "
        "Pants does not ignore, so Pants would fail on the symbolic links in it. To fix, add "
        "`/ci/caches/` to `[GLOBAL].pants_ignore` or `.gitignore`."
    )

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest
from pants.engine.process import FallibleProcessResult, Process, ProcessCacheScope
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import execute_process
from pants_pyoxidizer.util_rules import host_links
from pants_pyoxidizer.util_rules.host_links import (
    HostFileError,
    HostLink,
    HostLinkRequest,
    link_path,
    make_host_link,
)
from rules.mocks import run_rule

REQUEST = HostLinkRequest("/home/user/rust", "rustc 1.80", what="The Rust toolchain")


def make(exit_code: int = 0, stderr: bytes = b"") -> HostLink:
    def run(process: Process) -> FallibleProcessResult:
        assert process == Process(
            ("/bin/sh", "-c", host_links._MAKE_LINK, "sh", link_path("rustc 1.80"), REQUEST.path),
            description="",
            level=LogLevel.DEBUG,
            env={"PATH": "/usr/bin:/bin"},
            append_only_caches={"pyoxidizer_links": ".cache/pyoxidizer_links"},
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        )
        return Mock(exit_code=exit_code, stderr=stderr)

    link: HostLink = run_rule(
        make_host_link,
        REQUEST,
        mocks={
            execute_process: run,
        },
    )
    return link


def test_a_link_is_made_for_each_daemon() -> None:
    # Nothing of where it leads to is in its name.
    assert make() == HostLink(link_path("rustc 1.80"))
    assert link_path("rustc 1.80").startswith(".cache/pyoxidizer_links/")


@pytest.mark.parametrize(
    ("exit_code", "stderr", "reason"),
    [(3, b"", "it does not exist"), (1, b"ln: read-only\n", "ln: read-only")],
)
def test_what_cannot_be_linked_to(exit_code: int, stderr: bytes, reason: str) -> None:
    with pytest.raises(HostFileError) as e:
        make(exit_code, stderr)
    assert str(e.value) == f"The Rust toolchain, /home/user/rust, cannot be used: {reason}."


def run_script(link: Path, target: Path) -> subprocess.CompletedProcess[bytes]:
    argv = ["/bin/sh", "-c", host_links._MAKE_LINK, "sh", str(link), str(target)]
    return subprocess.run(argv, capture_output=True)


def test_the_script_makes_a_link_or_changes_it(tmp_path: Path) -> None:
    link = tmp_path / "link"
    for name in ("one", "two", "two"):
        target = tmp_path / name
        target.mkdir(exist_ok=True)
        assert run_script(link, target).returncode == 0
        assert os.readlink(link) == str(target)
        assert list(target.iterdir()) == []


def test_the_script_fails_for_what_is_gone(tmp_path: Path) -> None:
    result = run_script(tmp_path / "link", tmp_path / "gone")
    assert result.returncode == 3
    assert not os.path.lexists(tmp_path / "link")

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
from unittest.mock import Mock

import pytest
from pants.engine.fs import (
    EMPTY_DIGEST,
    Digest,
    GlobMatchErrorBehavior,
    PathGlobs,
    RemovePrefix,
)
from pants.testutil.option_util import create_subsystem
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import path_globs_to_digest, remove_prefix
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.util_rules.crates import (
    Crates,
    CratesError,
    CratesRequest,
    CratesSource,
    find_crates_source,
    get_crates,
)
from pants_pyoxidizer.util_rules.host_links import HostLink, HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.rust_toolchain import SystemRust
from pants_pyoxidizer.util_rules.tool_process import ToolProcess
from rules.mocks import run_rule
from rules.tool_requests import ToolRequests

OUTPUT, CRATES, INPUT = (Digest(c * 64, 1) for c in "abc")

TRIPLE = "x86_64-unknown-linux-gnu"
RUST = SystemRust(".cache/links/rust", "rustc 1.80\ncargo 1.80")


CRATES_IO = CratesSource((), EMPTY_DIGEST)


def get(
    source: CratesSource = CRATES_IO,
    exit_code: int = 0,
    stderr: bytes = b"",
    crates_dir: str | None = None,
) -> tuple[ToolProcess, Crates]:
    """The process that is asked for, and what becomes of its result."""
    request = CratesRequest(TRIPLE, RUST)
    requests = ToolRequests(Mock(exit_code=exit_code, stderr=stderr, output_digest=OUTPUT))
    subset = RemovePrefix(OUTPUT, "__crates")
    crates = run_rule(
        get_crates,
        request,
        create_subsystem(PyOxidizer, crates_dir=crates_dir),
        mocks={
            find_crates_source: {request: source}.__getitem__,
            **requests.mocks,
            remove_prefix: {subset: CRATES}.__getitem__,
        },
    )
    return requests.only, crates


def test_crates_are_fetched_for_the_target_triple() -> None:
    process, crates = get()
    assert process == ToolProcess(
        program="pyoxidizer.fetch_crates",
        argv=("--target", TRIPLE, "--output", "__crates"),
        description="",
        env=FrozenDict(
            {
                "PYOXIDIZER_SYSTEM_RUST": "1",
                "PANTS_PYOXIDIZER_RUST": "{chroot}/.cache/links/rust",
                "PANTS_PYOXIDIZER_TOOLCHAIN": "rustc 1.80\ncargo 1.80",
                "PANTS_PYOXIDIZER_PATH": "{chroot}/__programs/pants_pyoxidizer/programs/cargo",
            }
        ),
        output_directories=("__crates",),
        level=LogLevel.INFO,
        is_slow=True,
    )
    assert process.description == "Fetching Rust crates (once)"
    assert crates == Crates(CRATES)


VENDORED = CratesSource(("--vendored", "3rdparty/crates"), INPUT)


def test_vendored_crates_are_an_input() -> None:
    fetched, _ = get()
    process, crates = get(VENDORED, crates_dir="3rdparty/crates")
    assert process == dataclasses.replace(
        fetched, argv=(*fetched.argv, "--vendored", "3rdparty/crates"), input_digest=INPUT
    )
    assert process.description == "Checking vendored Rust crates (once)"
    assert crates == Crates(CRATES)


def test_a_failure_says_what_could_not_be_done() -> None:
    with pytest.raises(CratesError) as e:
        get(exit_code=1, stderr=b"error: failed to download\n")
    assert str(e.value) == (
        "Cannot fetch the Rust crates that PyOxidizer compiles:\n\nerror: failed to download"
        "\n\nTo fix, give Pants access to the crate registry, configure a mirror in "
        "`[pyoxidizer].crates_config`, or vendor the crates in the repository with "
        "`[pyoxidizer].crates_dir`."
    )


def test_a_failure_shows_no_password() -> None:
    with pytest.raises(CratesError) as e:
        get(exit_code=1, stderr=b"failed to query https://jane:secret@crates.example/index/\n")
    assert "failed to query https://****@crates.example/index/\n" in str(e.value)


def test_an_incomplete_folder_is_told_with_what_fills_it() -> None:
    with pytest.raises(CratesError) as e:
        get(VENDORED, exit_code=1, stderr=b"There is no x.crate.\n", crates_dir="3rdparty/crates")
    assert str(e.value) == (
        "`[pyoxidizer].crates_dir` is '3rdparty/crates', which lacks Rust crates that PyOxidizer "
        "compiles:\n\nThere is no x.crate.\n\nTo fix, run `pants vendor-crates` to fetch them "
        "into that folder, and commit it."
    )


# --- Where they are taken from ---


def source(
    *,
    from_registry: bool = False,
    found: Digest = INPUT,
    crates_dir: str | None = None,
    crates_config: str | None = None,
    crates_credentials: str | None = None,
) -> CratesSource:
    pyoxidizer = create_subsystem(
        PyOxidizer,
        crates_dir=crates_dir,
        crates_config=crates_config,
        crates_credentials=crates_credentials,
    )
    globs = {
        PathGlobs(["3rdparty/crates/**"]): found,
        PathGlobs(
            ["cargo.toml"],
            glob_match_error_behavior=GlobMatchErrorBehavior.error,
            description_of_origin="the option `[pyoxidizer].crates_config`",
        ): found,
    }
    link = HostLinkRequest("/home/user/a.toml", "credentials ~/a.toml", what="")
    result: CratesSource = run_rule(
        find_crates_source,
        CratesRequest(TRIPLE, RUST, from_registry),
        pyoxidizer,
        mocks={
            path_globs_to_digest: globs.__getitem__,
            make_host_link: {link: HostLink(".cache/links/0")}.__getitem__,
        },
    )
    return result


def test_the_source_is_crates_io_by_default() -> None:
    assert source() == CRATES_IO


def test_a_folder_of_the_repository() -> None:
    assert source(crates_dir="3rdparty/crates", crates_config="cargo.toml") == VENDORED
    # What fills the folder does not read it.
    filling = source(from_registry=True, crates_dir="3rdparty/crates", crates_config="cargo.toml")
    assert filling == CratesSource(("--config", "cargo.toml"), INPUT)


def test_a_mirror_with_a_token_that_is_in_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    credentials = "/home/user/a.toml"
    assert source(crates_config="cargo.toml", crates_credentials=credentials) == CratesSource(
        ("--config", "cargo.toml", "--credentials", ".cache/links/0"), INPUT
    )


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(CratesError) as e:
        source(crates_dir="3rdparty/crates", found=EMPTY_DIGEST)
    assert "compiles:\n\nIt is empty or does not exist.\n\nTo fix, run" in str(e.value)

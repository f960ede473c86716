# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import re
from unittest.mock import Mock

import pytest
from pants.engine.fs import Digest, RemovePrefix
from pants.engine.process import FallibleProcessResult, Process
from pants.testutil.rule_runner import MockGet, run_rule_with_mocks
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer import data
from pants_pyoxidizer.util_rules.crates import Crates, CratesError, CratesRequest, get_crates
from pants_pyoxidizer.util_rules.rust_toolchain import SystemRust
from pants_pyoxidizer.util_rules.tool import ToolProcess

OUTPUT, CRATES = (Digest(c * 64, 1) for c in "ab")

TRIPLE = "x86_64-unknown-linux-gnu"
RUST = SystemRust(".cache/links/rust", "rustc 1.80\ncargo 1.80")


def get(exit_code: int = 0, stderr: bytes = b"") -> tuple[ToolProcess, Crates]:
    """The process that is asked for, and what becomes of its result."""
    requests: list[ToolProcess] = []
    process = Process(("./python",), description="")

    def set_up(request: ToolProcess) -> Process:
        requests.append(request)
        return process

    result = Mock(exit_code=exit_code, stderr=stderr, output_digest=OUTPUT)
    crates = run_rule_with_mocks(
        get_crates,
        rule_args=[CratesRequest(TRIPLE, RUST)],
        mock_gets=[
            MockGet(Process, (ToolProcess,), set_up),
            MockGet(FallibleProcessResult, (Process,), {process: result}.__getitem__),
            MockGet(Digest, (RemovePrefix,), {RemovePrefix(OUTPUT, "crates"): CRATES}.__getitem__),
        ],
    )
    (request,) = requests
    return request, crates


def test_crates_are_fetched_for_the_target_triple() -> None:
    process, crates = get()
    assert process == ToolProcess(
        programs=(
            "fetch_crates.py",
            "run_pyoxidizer.py",
            "cargo",
            "cargo_driver.py",
            "cargo_project.py",
            "crates_cache.py",
            "repeatable.py",
            "packed_resources.py",
            "rustc_wrapper",
            "ar_archive.py",
        ),
        argv=("--target", TRIPLE, "--output", "crates"),
        description="",
        env=FrozenDict(
            {
                "PYOXIDIZER_SYSTEM_RUST": "1",
                "PANTS_PYOXIDIZER_RUST": "{chroot}/.cache/links/rust",
                "PANTS_PYOXIDIZER_TOOLCHAIN": "rustc 1.80\ncargo 1.80",
                "PANTS_PYOXIDIZER_PATH": "{chroot}/__programs",
            }
        ),
        output_directories=("crates",),
        level=LogLevel.INFO,
        is_slow=True,
    )
    assert process.description == "Fetching Rust crates (once)"
    assert crates == Crates(CRATES)


def test_the_programs_have_all_that_they_import() -> None:
    process, _ = get()
    texts = "".join(data.read(f"programs/{name}").decode() for name in process.programs)
    names = re.findall(r"^from \.(?: import (\w+)|(\w+) import)", texts, re.MULTILINE)
    imported = {f"{one or other}.py" for one, other in names}
    started = {"fetch_crates.py", "cargo", "cargo_driver.py", "rustc_wrapper"}
    assert imported | started == {*process.programs}


def test_a_failure_says_what_could_not_be_done() -> None:
    with pytest.raises(CratesError) as e:
        get(exit_code=1, stderr=b"error: failed to download\n")
    assert str(e.value) == (
        "The Rust crates that PyOxidizer compiles cannot be fetched.\n\nerror: failed to download"
    )

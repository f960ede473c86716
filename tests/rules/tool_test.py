# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
from pathlib import PurePath

import pytest
from pants.backend.python.util_rules.pex import PexRequest, Script, VenvPex, VenvPexProcess
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import Process, ProcessCacheScope
from pants.testutil.rule_runner import MockGet, QueryRule, RuleRunner, run_rule_with_mocks
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.util_rules.tool import ToolProcess, program_file, set_up_tool_process

VENV, PROGRAMS, INPUT, MERGED, SANDBOX, CRATES = (Digest(letter * 64, 1) for letter in "abcdef")

VENV_PEX = VenvPex(
    digest=VENV,
    append_only_caches=None,
    pex_filename="pyoxidizer.pex",
    pex=Script(PurePath("pyoxidizer.pex_pex_shim.sh")),
    python=Script(PurePath("pyoxidizer.pex_python_shim.sh")),
    bin=FrozenDict(),
    venv_rel_dir="venvs/1",
)


@pytest.fixture(scope="module")
def pyoxidizer() -> PyOxidizer:
    runner = RuleRunner(rules=[*PyOxidizer.rules(), QueryRule(PyOxidizer, ())])
    return runner.request(PyOxidizer, [])


@pytest.mark.parametrize(
    ("is_slow", "speculation_delay_millis"),
    [
        pytest.param(False, 0, id="quick: a remote cache may not be worth the wait"),
        pytest.param(True, 10_000, id="slow: not started while a remote cache may have it"),
    ],
)
def test_a_program_runs_in_the_venv_of_the_tool(
    pyoxidizer: PyOxidizer, is_slow: bool, speculation_delay_millis: int
) -> None:
    request = ToolProcess(
        programs=("run_pyoxidizer.py", "cargo_driver.py", "cargo"),
        argv=("--name", "bin"),
        description="Building",
        input_digest=INPUT,
        immutable_input_digests=FrozenDict(__crates=CRATES),
        env=FrozenDict(NAME="value"),
        append_only_caches=FrozenDict(crates=".cache/crates"),
        output_files=("result.json",),
        output_directories=("build",),
        level=LogLevel.INFO,
        cache_scope=ProcessCacheScope.PER_SESSION,
        is_slow=is_slow,
    )
    programs = CreateDigest(
        [
            program_file("run_pyoxidizer.py"),
            program_file("cargo_driver.py"),
            program_file("cargo"),
        ]
    )

    def set_up_venv_process(venv_process: VenvPexProcess) -> Process:
        assert venv_process == VenvPexProcess(
            VENV_PEX,
            description="Building",
            level=LogLevel.INFO,
            input_digest=MERGED,
            extra_env={"NAME": "value"},
            output_files=("result.json",),
            output_directories=("build",),
            cache_scope=ProcessCacheScope.PER_SESSION,
        )
        return Process(
            ("./pyoxidizer.pex_pex_shim.sh",),
            description=venv_process.description,
            level=venv_process.level,
            input_digest=SANDBOX,
            env=venv_process.extra_env,
            append_only_caches={"pex_root": ".cache/pex_root"},
            output_files=venv_process.output_files,
            output_directories=venv_process.output_directories,
            cache_scope=venv_process.cache_scope,
        )

    process = run_rule_with_mocks(
        set_up_tool_process,
        rule_args=[request, pyoxidizer],
        mock_gets=[
            MockGet(VenvPex, (PexRequest,), {pyoxidizer.to_pex_request(): VENV_PEX}.__getitem__),
            MockGet(Digest, (CreateDigest,), {programs: PROGRAMS}.__getitem__),
            MockGet(Digest, (MergeDigests,), {MergeDigests((INPUT, PROGRAMS)): MERGED}.__getitem__),
            MockGet(Process, (VenvPexProcess,), set_up_venv_process),
        ],
    )
    assert process == Process(
        ("./pyoxidizer.pex_python_shim.sh", "__programs/run_pyoxidizer.py", "--name", "bin"),
        description="Building",
        level=LogLevel.INFO,
        input_digest=SANDBOX,
        immutable_input_digests={"__crates": CRATES},
        env={"NAME": "value"},
        append_only_caches={"pex_root": ".cache/pex_root", "crates": ".cache/crates"},
        output_files=("result.json",),
        output_directories=("build",),
        cache_scope=ProcessCacheScope.PER_SESSION,
        remote_cache_speculation_delay_millis=speculation_delay_millis,
    )
    assert process.description == "Building"


@pytest.mark.parametrize(("name", "is_executable"), [("cargo", True), ("elf.py", False)])
def test_programs_are_read_from_the_package(name: str, is_executable: bool) -> None:
    file = program_file(name)
    assert file == FileContent(f"__programs/{name}", file.content, is_executable=is_executable)
    assert b"Licensed under the Apache License" in file.content


def test_the_description_does_not_make_another_process() -> None:
    request = ToolProcess(programs=("elf.py",), argv=(), description="one")
    assert dataclasses.replace(request, description="another") == request

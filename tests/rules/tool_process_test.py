# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePath
from unittest.mock import Mock

import pytest
from pants.backend.python.util_rules.pex import Script, VenvPex, VenvPexProcess
from pants.core.util_rules.subprocess_environment import SubprocessEnvironmentVars
from pants.engine.fs import (
    Digest,
    DigestSubset,
    PathGlobs,
)
from pants.engine.process import (
    Process,
    ProcessCacheScope,
    ProcessExecutionFailure,
    ProcessResult,
)
from pants.option.global_options import KeepSandboxes
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import (
    create_venv_pex,
    digest_subset_to_digest,
    execute_process_or_raise,
    setup_venv_pex_process,
)
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.util_rules import tool_process as tool
from pants_pyoxidizer.util_rules.tool_process import (
    Programs,
    ToolProcess,
    ToolVenv,
    ToolVenvRequest,
    UnusableToolError,
    collect_programs,
    set_up_tool_process,
    set_up_tool_venv,
)
from rules.mocks import coroutine, run_rule

VENV, PEX, PROGRAMS, INPUT, CRATES = (Digest(letter * 64, 1) for letter in "abcde")

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
        program="pyoxidizer.run_pyoxidizer",
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
    process = run_rule(
        set_up_tool_process,
        request,
        pyoxidizer,
        SubprocessEnvironmentVars(FrozenDict(LANG="C")),
        mocks={
            set_up_tool_venv: {
                ToolVenvRequest(pyoxidizer.to_pex_request()): ToolVenv(
                    ".cache/pyoxidizer_links/0123"
                )
            }.__getitem__,
            collect_programs: lambda: Programs(PROGRAMS),
        },
    )
    assert process == Process(
        (
            *(".cache/pyoxidizer_links/0123/bin/python", "-B"),
            *("__programs/pants_pyoxidizer/programs", "pyoxidizer.run_pyoxidizer"),
            *("--name", "bin"),
        ),
        description="Building",
        level=LogLevel.INFO,
        input_digest=INPUT,
        immutable_input_digests={"__crates": CRATES, "__programs": PROGRAMS},
        env={"LANG": "C", "NAME": "value"},
        append_only_caches={
            "pyoxidizer_links": ".cache/pyoxidizer_links",
            "crates": ".cache/crates",
        },
        output_files=("result.json",),
        output_directories=("build",),
        cache_scope=ProcessCacheScope.PER_SESSION,
        remote_cache_speculation_delay_millis=speculation_delay_millis,
    )
    assert process.description == "Building"


def test_a_program_may_run_with_another_interpreter(pyoxidizer: PyOxidizer) -> None:
    request = ToolProcess(
        program="wheels.inspect_wheels",
        argv=("x.whl",),
        description="",
        python_link="links/python",
    )
    process = run_rule(
        set_up_tool_process,
        request,
        pyoxidizer,
        SubprocessEnvironmentVars(FrozenDict(LANG="C")),
        mocks={
            set_up_tool_venv: {}.__getitem__,
            collect_programs: lambda: Programs(PROGRAMS),
        },
    )
    # Neither its packages nor variables that are for it count.
    program = ("__programs/pants_pyoxidizer/programs", "wheels.inspect_wheels")
    assert process.argv == ("links/python", "-I", "-S", "-B", *program, "x.whl")


def test_the_venv_of_the_tool_gets_a_link_for_each_daemon(pyoxidizer: PyOxidizer) -> None:
    def set_up_venv_process(venv_process: VenvPexProcess) -> Process:
        return Process(
            ("./pyoxidizer.pex_pex_shim.sh", *venv_process.argv),
            description=venv_process.description,
            input_digest=venv_process.venv_pex.digest,
            append_only_caches=venv_process.append_only_caches,
            cache_scope=venv_process.cache_scope,
        )

    def run(process: Process) -> ProcessResult:
        assert process == Process(
            ("./pyoxidizer.pex_python_shim.sh", *LINK_VENV_ARGV, PEX.fingerprint),
            description="",
            input_digest=VENV,
            append_only_caches={"pyoxidizer_links": ".cache/pyoxidizer_links"},
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        )
        return Mock(stdout=b".cache/pyoxidizer_links/0123\n")

    # The scripts beside it name paths of this machine.
    pex = DigestSubset(VENV, PathGlobs(["pyoxidizer.pex", "pyoxidizer.pex/**"]))
    venv = run_rule(
        set_up_tool_venv,
        ToolVenvRequest(pyoxidizer.to_pex_request()),
        mocks={
            create_venv_pex: {pyoxidizer.to_pex_request(): VENV_PEX}.__getitem__,
            digest_subset_to_digest: {pex: PEX}.__getitem__,
            setup_venv_pex_process: set_up_venv_process,
            execute_process_or_raise: run,
        },
    )
    assert venv == ToolVenv(".cache/pyoxidizer_links/0123")


def failure_to_install(tool: PyOxidizer, said: str) -> Exception:
    """What the user is told when Pex says this."""
    failure = ProcessExecutionFailure(
        1, b"", said.encode(), "Building pyoxidizer.pex", keep_sandboxes=KeepSandboxes.never
    )
    # A mock's error would not reach the rule.
    rule = coroutine(set_up_tool_venv, ToolVenvRequest(tool.to_pex_request()))
    rule.send(None)
    with pytest.raises((UnusableToolError, ProcessExecutionFailure)) as e:
        rule.throw(failure)
    return e.value


def test_a_machine_without_a_python_for_the_tool_is_told_of(pyoxidizer: PyOxidizer) -> None:
    said = "Could not find a compatible interpreter.\nhttps://me:secret@example.org/\n"
    error = failure_to_install(pyoxidizer, said)
    assert isinstance(error, UnusableToolError)
    assert error.__cause__ is None and error.__suppress_context__
    assert str(error).startswith(
        "pyoxidizer.pex cannot be installed. Pex says:\n\nCould not find a compatible interpreter.\n"
        "https://****@example.org/\n\nThere is no Python that it can run on. To fix, install one"
    )


def test_any_other_failure_to_install_the_tool_is_shown_as_it_is(pyoxidizer: PyOxidizer) -> None:
    error = failure_to_install(pyoxidizer, "No space left on device\n")
    assert isinstance(error, ProcessExecutionFailure)


LINK_VENV_ARGV = ("-c", tool._LINK_VENV, ".cache/pyoxidizer_links")


def link_venv(
    fingerprint: str, folder: Path, python: str = sys.executable, **variables: str
) -> Path:
    argv = [python, "-c", tool._LINK_VENV, str(folder), fingerprint]
    env = {**os.environ, **variables}
    result = subprocess.run(argv, env=env, stdout=subprocess.PIPE, check=True)
    return Path(result.stdout.decode().strip())


def test_a_venv_is_linked_to_by_what_is_in_it(tmp_path: Path) -> None:
    link = link_venv("a", tmp_path)
    assert (link.parent, link.resolve()) == (tmp_path, Path(sys.prefix).resolve())
    assert link_venv("a", tmp_path) == link
    assert link_venv("b", tmp_path) != link


def test_another_glibc_is_another_venv(tmp_path: Path) -> None:
    """What programs build is linked with it."""
    (tmp_path / "sitecustomize.py").write_text("import os; os.confstr = lambda name: 'glibc 2.99'")
    links = tmp_path / "links"
    links.mkdir()
    assert link_venv("a", links, PYTHONPATH=str(tmp_path)) != link_venv("a", links)


def test_a_venv_that_works_keeps_its_link_and_another_one_repairs_it(tmp_path: Path) -> None:
    (tmp_path / "venv/bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    python.symlink_to(os.path.realpath(sys.executable))
    link = link_venv("a", tmp_path, str(python))
    assert link.resolve() == tmp_path / "venv"
    assert link_venv("a", tmp_path) == link
    assert link.resolve() == tmp_path / "venv"
    python.unlink()
    assert link_venv("a", tmp_path) == link
    assert link.resolve() == Path(sys.prefix).resolve()


def test_the_description_does_not_make_another_process() -> None:
    request = ToolProcess("report.make_sbom", argv=(), description="one")
    assert dataclasses.replace(request, description="another") == request

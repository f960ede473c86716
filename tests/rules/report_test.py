# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any
from unittest.mock import Mock

import pytest
from pants.engine.fs import EMPTY_DIGEST
from pants.engine.process import ProcessResult
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive
from pants_pyoxidizer.subsystem import PyOxidizerReport
from pants_pyoxidizer.util_rules.build_environment import (
    BuildEnvironment,
    BuildEnvironmentRequest,
    set_up_build_environment,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.contents import Contents
from pants_pyoxidizer.util_rules.python.standalone_python import HostPython
from pants_pyoxidizer.util_rules.report import (
    Crate,
    CrateList,
    CrateListRequest,
    Libraries,
    LibrariesRequest,
    Report,
    ReportRequest,
    list_crates,
    list_libraries,
    write_report,
)
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain, SystemRust
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process
from pants_pyoxidizer.wheels.placement import Location, Placement
from rules.file_operations import FileOperations
from rules.mocks import Mocks, process_mocks
from unit.wheels import wheel

FILES = FileOperations()
TOOL = RuleRunner(
    rules=[*PyOxidizerReport.rules(), QueryRule(PyOxidizerReport, ())],
).request(PyOxidizerReport, [])
PYTHON = HostPython(
    PythonArchive("python.tar.zst", "0123", "3.11"),
    version="3.11.7",
    target_triple="x86_64-unknown-linux-gnu",
    digest=FILES.digest({"python.tar.zst": "python"}),
    host_python=".cache/links/python",
    description="",
)
DOWNLOADED_PYTHON = dataclasses.replace(
    PYTHON, python=PyOxidizerPython("3.10"), version="3.10.9", digest=EMPTY_DIGEST
)
RUST = RustToolchain(SystemRust(".cache/rust", "rustc\nrelease: 1.80.1\n"))
C_TOOLCHAIN = CToolchain("/usr/bin", "cc 12")
CRATES_REQUEST = CrateListRequest(PYTHON, RUST, C_TOOLCHAIN)

APP = wheel("app", "0.1", sha256="a" * 64, folder="")
SIX = wheel("six", "1.16.0", sha256="b" * 64)
MODE_DIR = "project/bin/x86_64-unknown-linux-gnu/debug"
BUILT = {
    f"{MODE_DIR}/install/my-app": "the executable",
    f"{MODE_DIR}/install/lib/_ssl.so": "a library",
}
REQUEST = ReportRequest(
    name="my-app",
    files=FILES.digest(BUILT),
    install_dir=f"{MODE_DIR}/install",
    executable=f"{MODE_DIR}/install/my-app",
    contents=Contents(
        None,
        (Placement(APP, Location.EXECUTABLE), Placement(SIX, Location.EXECUTABLE)),
        (APP.path,),
    ),
    crates=CRATES_REQUEST,
    with_template=False,
)
PYEMBED = Crate("pyembed", "0.24.0", "c" * 64, optional=False)
REGISTRY = FILES.digest({"index/py/em/pyembed": "{}"})
SURROUNDINGS = BuildEnvironment(
    env=FrozenDict(PANTS_PYOXIDIZER_RUST="{chroot}/.cache/rust"),
    immutable_input_digests=FrozenDict(__crates=REGISTRY),
    append_only_caches=FrozenDict(pyoxidizer=".cache/pyoxidizer"),
)
JEMALLOC = Crate("jemallocator", "0.5.0", "d" * 64, optional=True)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def run(rule: Any, *args: Any, written: dict[str, str]) -> tuple[ToolProcess, Any]:
    """The process that is asked for, and what becomes of the files that it wrote."""
    processes: list[ToolProcess] = []

    def run_process(process: ToolProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=FILES.digest(written))

    mocks: Mocks = {
        **process_mocks(set_up_tool_process, run_process),
        list_crates: {CRATES_REQUEST: CrateList("0.24.0", (PYEMBED, JEMALLOC))}.__getitem__,
        set_up_build_environment: {
            BuildEnvironmentRequest(PYTHON, RUST, C_TOOLCHAIN): SURROUNDINGS
        }.__getitem__,
        list_libraries: {
            LibrariesRequest(PYTHON, REQUEST.files): Libraries(("libc.so.6",), ("z",))
        }.__getitem__,
    }
    result = FILES.run_rule(rule, *args, mocks=mocks)
    (process,) = processes
    return process, result


def report(request: ReportRequest = REQUEST) -> tuple[ToolProcess, Report]:
    return run(write_report, request, TOOL, written={"my-app.cdx.json": "the SBOM"})


def facts(process: ToolProcess) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILES.files(process.input_digest)["facts.json"])
    return found


def components(request: ReportRequest) -> dict[str, Any]:
    process, _ = report(request)
    return {component["name"]: component for component in facts(process)["components"]}


def test_the_report_lies_beside_the_folder_of_the_executable() -> None:
    process, written = report()
    assert written.paths == (f"{MODE_DIR}/my-app.cdx.json", f"{MODE_DIR}/my-app.sha256")
    assert FILES.files(written.digest) == {
        f"{MODE_DIR}/my-app.cdx.json": "the SBOM",
        f"{MODE_DIR}/my-app.sha256": (
            f"{sha256('a library')}  install/lib/_ssl.so\n"
            f"{sha256('the executable')}  install/my-app\n"
            f"{sha256('the SBOM')}  my-app.cdx.json\n"
        ),
    }


def test_the_sbom_is_made_in_a_tool_of_its_own() -> None:
    process, _ = report()
    assert process.program == "report.make_sbom"
    assert process.argv == ("facts.json", "my-app.cdx.json")
    assert process.output_files == ("my-app.cdx.json",)
    assert process.tool == TOOL.to_pex_request()


def test_the_facts_name_all_that_went_in() -> None:
    process, _ = report()
    found = facts(process)
    assert found["executable"]["name"] == "my-app"
    assert found["executable"]["sha256"] == sha256("the executable")
    named = [(c["name"], c.get("version"), c.get("sha256")) for c in found["components"]]
    assert named == [
        ("app", "0.1", None),
        ("six", "1.16.0", "b" * 64),
        ("python", "3.11.7", "0123"),
        ("z", None, None),
        ("libc.so.6", None, None),
        ("pyoxidizer", "0.24.0", None),
        ("rust", "1.80.1", None),
        ("pyembed", "0.24.0", "c" * 64),
    ]


def test_first_and_third_party_wheels_are_told_apart() -> None:
    found = components(REQUEST)
    assert (found["app"]["purl_type"], found["six"]["purl_type"]) == ("generic", "pypi")


def test_a_template_may_have_chosen_another_allocator() -> None:
    found = components(dataclasses.replace(REQUEST, with_template=True))
    assert found["jemallocator"]["optional"] is True
    assert found["pyembed"]["optional"] is False


@pytest.mark.parametrize("archive_is_known", [True, False])
def test_libraries_are_looked_for_in_files_and_in_an_archive(archive_is_known: bool) -> None:
    python = PYTHON if archive_is_known else DOWNLOADED_PYTHON
    process, libraries = run(
        list_libraries,
        LibrariesRequest(python, FILES.digest({"bin": "x"})),
        written={"report.json": '{"system": ["libc.so.6"], "static": ["z"]}'},
    )
    archive = ("--archive", "python.tar.zst") if archive_is_known else ()
    inputs = {"__files/bin": "x", **({"python.tar.zst": "python"} if archive_is_known else {})}
    assert process == ToolProcess(
        program="report.list_libraries",
        argv=(*archive, "--output", "report.json", "__files"),
        description="",
        input_digest=FILES.digest(inputs),
        output_files=("report.json",),
    )
    assert libraries == Libraries(("libc.so.6",), ("z",))


def test_crates_are_listed_in_the_surroundings_of_a_build() -> None:
    crate = {"name": "pyembed", "version": "0.24.0", "checksum": "c" * 64, "optional": False}
    process, crates = run(
        list_crates,
        CRATES_REQUEST,
        written={"report.json": json.dumps({"pyoxidizer": "0.24.0", "crates": [crate]})},
    )
    assert process == ToolProcess(
        program="pyoxidizer.list_crates",
        argv=("--triple", "x86_64-unknown-linux-gnu", "--output", "report.json"),
        description="",
        immutable_input_digests=SURROUNDINGS.immutable_input_digests,
        env=SURROUNDINGS.env,
        append_only_caches=SURROUNDINGS.append_only_caches,
        output_files=("report.json",),
    )
    assert crates == CrateList("0.24.0", (PYEMBED,))

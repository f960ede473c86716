# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
from typing import Any
from unittest.mock import Mock

import pytest
from pants.engine.addresses import Address
from pants.engine.process import ProcessResult
from pants.util.logging import LogLevel

from pants_pyoxidizer.util_rules.artifact import ArtifactRequest, make_artifact
from pants_pyoxidizer.util_rules.build import Build
from pants_pyoxidizer.util_rules.prepared_payload import PreparedPayload
from pants_pyoxidizer.util_rules.runtime import Runtime, RuntimeProcess, set_up_runtime_process
from pants_pyoxidizer.wheels.entry_point import EntryPoint
from rules.file_operations import FileOperations
from rules.mocks import process_mocks

FILES = FileOperations()
INSTALL_DIR = "x86_64-unknown-linux-gnu/debug/install"
RUNTIME = Runtime(
    executable=FILES.digest({"runtime": "runtime"}),
    sidecar=FILES.digest({"lib/_ssl.so": "ssl"}),
    rarely_used=FILES.digest({"rarely_used/uu.py": "uu"}),
    install_dir=INSTALL_DIR,
)
PAYLOAD = PreparedPayload(
    in_memory=FILES.digest({"__parts/app.part": "app", "__parts/six.part": "six"}),
    inputs=("--part=__parts/app.part", "--wheel=six.whl"),
    on_filesystem=FILES.digest({"lib/numpy.pyc": "numpy"}),
    include_sources=False,
)
REQUEST = ArtifactRequest(
    address=Address("project", target_name="bin"),
    name="my-app",
    entry_point=None,
    runtime=RUNTIME,
    payload=PAYLOAD,
    payload_is_sidecar=False,
    interpreter=False,
    python_variables=False,
)


def run(request: ArtifactRequest, written: dict[str, str]) -> tuple[RuntimeProcess, Build]:
    """The process that is asked for, and what becomes of the files that it wrote."""
    processes: list[RuntimeProcess] = []

    def run_process(process: RuntimeProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=FILES.digest(written))

    built: Build = FILES.run_rule(
        make_artifact, request, mocks=process_mocks(set_up_runtime_process, run_process)
    )
    (process,) = processes
    return process, built


@pytest.mark.parametrize(
    ("changes", "flags", "outputs"),
    [
        ({}, (), ("my-app",)),
        ({"entry_point": EntryPoint("app.main")}, ("--module", "app.main"), ("my-app",)),
        (
            {"entry_point": EntryPoint("app", "App.run")},
            ("--module", "app", "--function", "App.run"),
            ("my-app",),
        ),
        (
            {"entry_point": EntryPoint("app"), "payload_is_sidecar": True},
            ("--sidecar", "--module", "app"),
            ("my-app", "my-app.payload"),
        ),
        (
            {"payload": dataclasses.replace(PAYLOAD, include_sources=True)},
            ("--sources",),
            ("my-app",),
        ),
        ({"interpreter": True}, ("--interpreter",), ("my-app",)),
        ({"python_variables": True}, ("--variables",), ("my-app",)),
    ],
)
def test_the_process_that_writes_the_executable(
    changes: dict[str, Any], flags: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    process, _ = run(dataclasses.replace(REQUEST, **changes), {path: "" for path in outputs})
    assert process == RuntimeProcess(
        RUNTIME,
        argv=("program", *flags, "--output", "my-app", *PAYLOAD.inputs),
        description="",
        input_digest=PAYLOAD.in_memory,
        output_files=outputs,
        level=LogLevel.INFO,
    )
    assert process.description == "Embedding project:bin"


@pytest.mark.parametrize("written", [{"my-app": "a"}, {"my-app": "a", "my-app.payload": "b"}])
def test_it_lies_beside_what_the_runtime_and_the_code_need(written: dict[str, str]) -> None:
    _, built = run(REQUEST, written)
    files = {**written, "lib/_ssl.so": "ssl", "lib/numpy.pyc": "numpy"}
    assert built == Build(
        FILES.digest({f"{INSTALL_DIR}/{path}": text for path, text in files.items()}),
        executable=f"{INSTALL_DIR}/my-app",
    )
    assert built.install_dir == INSTALL_DIR


def test_the_same_binary_for_another_target_is_not_made_again() -> None:
    another = dataclasses.replace(REQUEST, address=Address("other", target_name="bin"))
    assert another == REQUEST
    assert hash(another) == hash(REQUEST)
    assert run(another, {"my-app": ""}) == run(REQUEST, {"my-app": ""})

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from pants.engine.fs import Digest
from pants.engine.process import ProcessResult

from pants_pyoxidizer.util_rules.prepared_payload import (
    PreparedPayload,
    PreparedPayloadRequest,
    PreparedWheel,
    PreparedWheelRequest,
    RarelyUsedModules,
    RarelyUsedModulesRequest,
    overlay_digests,
    overwritten,
    prepare_payload,
    prepare_rarely_used_modules,
    prepare_wheel,
)
from pants_pyoxidizer.util_rules.runtime import Runtime, RuntimeProcess, set_up_runtime_process
from pants_pyoxidizer.wheels.placement import Location, Placement
from rules.file_operations import FileOperations
from rules.mocks import process_mocks, run_rule
from unit.wheels import wheel

FILES = FileOperations()
RUNTIME = Runtime(
    executable=FILES.digest({"runtime": ""}),
    sidecar=FILES.digest({}),
    rarely_used=FILES.digest({"rarely_used/uu.py": "uu"}),
    install_dir="triple/debug/install",
)
STDLIB = {"__parts/stdlib.part": "stdlib"}
INPUT, OUTPUT = (Digest(letter * 64, 1) for letter in "ab")

APP, SIX, NUMPY, PANDAS = map(wheel, ("app", "six", "numpy", "pandas"))
WHEELS = (APP, SIX, NUMPY, PANDAS)
WHEEL_FILES = FILES.digest({it.path: it.name for it in (*WHEELS, wheel("unused"))})


# --- One wheel


@pytest.mark.parametrize(
    ("on_filesystem", "include_sources", "argv", "outputs"),
    [
        (False, False, ("--output", "__parts/six.whl.part"), {"files": "__parts/six.whl.part"}),
        (
            False,
            True,
            ("--sources", "--output", "__parts/six.whl.part"),
            {"files": "__parts/six.whl.part"},
        ),
        (True, False, ("--files", "--output", "lib"), {"directories": "lib"}),
        (True, True, ("--files", "--sources", "--output", "lib"), {"directories": "lib"}),
    ],
)
def test_the_process_that_prepares_a_wheel(
    on_filesystem: bool, include_sources: bool, argv: tuple[str, ...], outputs: dict[str, str]
) -> None:
    processes: list[RuntimeProcess] = []

    def run(process: RuntimeProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=OUTPUT)

    request = PreparedWheelRequest(RUNTIME, INPUT, "w/six.whl", on_filesystem, include_sources)
    prepared = run_rule(prepare_wheel, request, mocks=process_mocks(set_up_runtime_process, run))
    (process,) = processes
    named: dict[str, Any] = {f"output_{kind}": (path,) for kind, path in outputs.items()}
    assert process == RuntimeProcess(
        RUNTIME,
        argv=("wheel", *argv, "--", "w/six.whl"),
        description="",
        input_digest=INPUT,
        **named,
    )
    assert process.description == "Prepare six.whl"
    assert prepared == PreparedWheel(OUTPUT)


# --- The modules that the runtime lacks


def test_the_process_that_prepares_rarely_used_modules() -> None:
    processes: list[RuntimeProcess] = []

    def run(process: RuntimeProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=OUTPUT)

    prepared = run_rule(
        prepare_rarely_used_modules,
        RarelyUsedModulesRequest(RUNTIME),
        mocks=process_mocks(set_up_runtime_process, run),
    )
    assert processes == [
        RuntimeProcess(
            RUNTIME,
            argv=("modules", "--output", "__parts/stdlib.part", "rarely_used"),
            description="",
            input_digest=RUNTIME.rarely_used,
            output_files=("__parts/stdlib.part",),
        )
    ]
    assert prepared == RarelyUsedModules(OUTPUT)


# --- All of them


def run(
    *placements: Placement,
    contents: dict[str, dict[str, str]],
    first_party: tuple[str, ...] = (),
    include_sources: bool = False,
) -> tuple[list[PreparedWheelRequest], PreparedPayload]:
    """What is asked for, and what becomes of these files of each wheel, by its name."""
    requests: list[PreparedWheelRequest] = []

    def prepare(request: PreparedWheelRequest) -> PreparedWheel:
        requests.append(request)
        ((path, name),) = FILES.files(request.wheel).items()
        assert path == request.path
        return PreparedWheel(FILES.digest(contents[name]))

    stdlib = {RarelyUsedModulesRequest(RUNTIME): RarelyUsedModules(FILES.digest(STDLIB))}
    payload: PreparedPayload = FILES.run_rule(
        prepare_payload,
        PreparedPayloadRequest(RUNTIME, WHEEL_FILES, placements, first_party, include_sources),
        mocks={
            overlay_digests: lambda request: FILES.run_rule(overlay_digests, request, mocks={}),
            prepare_wheel: prepare,
            prepare_rarely_used_modules: stdlib.__getitem__,
        },
    )
    return requests, payload


def part(name: str) -> dict[str, str]:
    return {f"__parts/{name}-1.0-py3-none-any.whl.part": name}


@pytest.mark.parametrize("include_sources", [False, True])
def test_each_wheel_is_prepared_by_itself(include_sources: bool) -> None:
    numpy_files = {"lib/numpy/__init__.pyc": "numpy", "lib/bin/f2py": "f2py"}
    requests, payload = run(
        Placement(APP, Location.EXECUTABLE),
        Placement(NUMPY, Location.LIB, "native code"),
        Placement(SIX, Location.EXECUTABLE),
        contents={"app": part("app"), "six": part("six"), "numpy": numpy_files},
        include_sources=include_sources,
    )
    assert requests == [
        PreparedWheelRequest(
            RUNTIME, FILES.digest({it.path: it.name}), it.path, on_filesystem, include_sources
        )
        for it, on_filesystem in ((APP, False), (NUMPY, True), (SIX, False))
    ]
    assert payload == PreparedPayload(
        in_memory=FILES.digest({**STDLIB, **part("app"), **part("six")}),
        inputs=tuple(f"--part={path}" for path in (*STDLIB, *part("app"), *part("six"))),
        on_filesystem=FILES.digest(numpy_files),
        include_sources=include_sources,
    )


def test_a_first_party_wheel_in_memory_is_prepared_with_the_executable() -> None:
    requests, payload = run(
        Placement(APP, Location.EXECUTABLE),
        Placement(PANDAS, Location.LIB),
        Placement(SIX, Location.EXECUTABLE),
        contents={"pandas": {"lib/pandas.pyc": "pandas"}, "six": part("six")},
        first_party=(APP.path, PANDAS.path),
    )
    assert [request.path for request in requests] == [PANDAS.path, SIX.path]
    assert payload == PreparedPayload(
        in_memory=FILES.digest({**STDLIB, **part("six"), APP.path: "app"}),
        inputs=(
            *(f"--part={path}" for path in STDLIB),
            f"--wheel={APP.path}",
            *(f"--part={path}" for path in part("six")),
        ),
        on_filesystem=FILES.digest({"lib/pandas.pyc": "pandas"}),
        include_sources=False,
    )


def test_of_files_with_the_same_path_that_of_the_first_wheel_counts() -> None:
    _, payload = run(
        Placement(PANDAS, Location.LIB),
        Placement(NUMPY, Location.LIB),
        Placement(APP, Location.LIB),
        contents={
            "pandas": {"lib/tests.pyc": "pandas", "lib/pandas.pyc": "pandas"},
            "numpy": {"lib/tests.pyc": "numpy", "lib/numpy.pyc": "numpy"},
            "app": {"lib/tests.pyc": "app", "lib/numpy.pyc": "app", "lib/app.pyc": "app"},
        },
    )
    assert FILES.files(payload.on_filesystem) == {
        "lib/tests.pyc": "pandas",
        "lib/pandas.pyc": "pandas",
        "lib/numpy.pyc": "numpy",
        "lib/app.pyc": "app",
    }


def test_paths_that_look_like_patterns_are_no_patterns() -> None:
    _, payload = run(
        Placement(NUMPY, Location.LIB),
        Placement(APP, Location.LIB),
        contents={
            "numpy": {"lib/[a].txt": "numpy", "lib/*": "numpy"},
            "app": {"lib/[a].txt": "app", "lib/a.txt": "app", "lib/*": "app"},
        },
    )
    assert FILES.files(payload.on_filesystem) == {
        "lib/*": "numpy",
        "lib/[a].txt": "numpy",
        "lib/a.txt": "app",
    }


def test_files_with_the_same_name_elsewhere_are_others() -> None:
    _, payload = run(
        Placement(NUMPY, Location.LIB),
        Placement(APP, Location.LIB),
        contents={
            "numpy": {"lib/LICENSE": "numpy", "lib/a.pyc": "numpy"},
            "app": {"lib/LICENSE": "app", "lib/app/LICENSE": "app", "lib/app/lib/a.pyc": "app"},
        },
    )
    assert FILES.files(payload.on_filesystem) == {
        "lib/LICENSE": "numpy",
        "lib/a.pyc": "numpy",
        "lib/app/LICENSE": "app",
        "lib/app/lib/a.pyc": "app",
    }


def test_a_binary_without_code_has_the_standard_library() -> None:
    expected = PreparedPayload(
        FILES.digest(STDLIB),
        ("--part=__parts/stdlib.part",),
        FILES.digest({}),
        include_sources=False,
    )
    assert run(contents={}) == ([], expected)


@pytest.mark.parametrize(
    ("folders", "hidden"),
    [
        ((), ()),
        ((("a", "b"), ("c",)), ((), ())),
        ((("a", "b"), ("b", "c"), ("c", "a", "d")), ((), ("b",), ("c", "a"))),
    ],
)
def test_overwritten(
    folders: tuple[tuple[str, ...], ...], hidden: tuple[tuple[str, ...], ...]
) -> None:
    assert overwritten(folders) == hidden

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import ast
import dataclasses

import pytest
from pants.engine.fs import FileContent
from pants.engine.process import Process
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PythonArchive, runtime_config
from pants_pyoxidizer.package_data import package_files, read
from pants_pyoxidizer.startup.payload import parse
from pants_pyoxidizer.util_rules.build import Build, BuildRequest, build
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.python.standalone_python import HostPython
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig
from pants_pyoxidizer.util_rules.runtime import (
    Runtime,
    RuntimeProcess,
    RuntimeRequest,
    build_runtime,
    program_payload,
    set_up_runtime_process,
)
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain
from rules.file_operations import FileOperations

FILES = FileOperations()
STARTUP_FILES = tuple(package_files("startup"))
PROGRAMS = tuple(package_files("programs/wheels"))
INSTALL_DIR = "x86_64-unknown-linux-gnu/release/install"
PYTHON = PythonArchive("python.tar.zst", "0123", "3.11")
REQUEST = RuntimeRequest(
    python=HostPython(
        PYTHON,
        version="3.11.7",
        target_triple="x86_64-unknown-linux-gnu",
        digest=FILES.digest({"python.tar.zst": "python"}),
        host_python=".cache/links/python",
        description="Contains Python 3.11.7.",
    ),
    rust=RustToolchain(None),
    c_toolchain=CToolchain("/usr/bin", "cc 12"),
    args=("--release",),
)


# --- Building it


def run_build(request: RuntimeRequest, built: dict[str, str]) -> tuple[BuildRequest, Runtime]:
    """What PyOxidizer is asked for, and what becomes of the files that it built."""
    requests: list[BuildRequest] = []

    def run(request: BuildRequest) -> Build:
        requests.append(request)
        digest = FILES.digest({f"{INSTALL_DIR}/{path}": text for path, text in built.items()})
        return Build(digest, f"{INSTALL_DIR}/runtime")

    runtime: Runtime = FILES.run_rule(
        build_runtime,
        request,
        mocks={build: run},
    )
    (build_request,) = requests
    return build_request, runtime


def test_it_is_built_of_what_starts_a_program_and_nothing_else() -> None:
    request, _ = run_build(REQUEST, {"runtime": ""})
    startup_files = {
        **{f"startup/{file.path}": file.content.decode() for file in STARTUP_FILES},
        **{f"main/{name}": read(f"startup/{name}").decode() for name in ("main.rs", "process.rs")},
    }
    config = runtime_config(
        PYTHON, name="runtime", startup_dir="startup", rarely_used_dir="rarely_used"
    )
    assert request == BuildRequest(
        description="",
        name="runtime",
        args=("--release",),
        config=RenderedConfig(FILES.digest({"pyoxidizer.bzl": config})),
        python=REQUEST.python,
        rust=REQUEST.rust,
        c_toolchain=REQUEST.c_toolchain,
        inputs=FILES.digest(startup_files),
        wheel_dirs=(),
        optimize_size=True,
        main="main/main.rs",
    )


@pytest.mark.parametrize(
    ("args", "description"),
    [
        ((), "Building the Python 3.11 runtime (once)"),
        (("--release",), "Building the Python 3.11 runtime --release (once)"),
    ],
)
def test_its_description(args: tuple[str, ...], description: str) -> None:
    request, _ = run_build(dataclasses.replace(REQUEST, args=args), {"runtime": ""})
    assert request.description == description


@pytest.mark.parametrize(
    "sidecar",
    [
        {},
        {"lib/_ssl.so": "x", "libpython3.so": "y"},
        # The same names elsewhere.
        {"lib/runtime": "x", "lib/rarely_used/uu.py": "y", "lib/tkinter/__init__.py": "z"},
    ],
)
@pytest.mark.parametrize(
    "rarely_used", [{}, {"rarely_used/uu.py": "u", "rarely_used/tkinter/__init__.py": "t"}]
)
def test_what_is_built_is_taken_apart(sidecar: dict[str, str], rarely_used: dict[str, str]) -> None:
    _, runtime = run_build(REQUEST, {"runtime": "executable", **sidecar, **rarely_used})
    assert runtime == Runtime(
        executable=FILES.digest({"runtime": "executable"}),
        sidecar=FILES.digest(sidecar),
        rarely_used=FILES.digest(rarely_used),
        install_dir=INSTALL_DIR,
    )


@pytest.mark.parametrize("file", [*STARTUP_FILES, *PROGRAMS], ids=lambda file: str(file.path))
def test_what_runs_in_it_is_of_the_oldest_python(file: FileContent) -> None:
    ast.parse(file.content, feature_version=(3, 8))


# --- Running it

RUNTIME = Runtime(
    executable=FILES.digest({"runtime": "executable"}),
    sidecar=FILES.digest({"lib/_ssl.so": "x"}),
    rarely_used=FILES.digest({"rarely_used/uu.py": "u"}),
    install_dir=INSTALL_DIR,
)


def test_a_process_in_which_it_makes_payloads() -> None:
    request = RuntimeProcess(
        RUNTIME,
        argv=("wheel", "--output", "out", "--", "in.whl"),
        description="Prepare in.whl",
        input_digest=FILES.digest({"in.whl": "wheel"}),
        output_files=("out",),
        output_directories=("lib",),
        level=LogLevel.INFO,
    )
    process: Process = FILES.run_rule(set_up_runtime_process, request, mocks={})
    payload = FileContent("runtime.payload", program_payload())
    assert process == Process(
        argv=("__runtime/runtime", "wheel", "--output", "out", "--", "in.whl"),
        description="",
        level=LogLevel.INFO,
        input_digest=request.input_digest,
        immutable_input_digests=FrozenDict(
            __runtime=FILES.merge(RUNTIME.executable, RUNTIME.sidecar, FILES.create(payload))
        ),
        output_files=("out",),
        output_directories=("lib",),
    )
    assert process.description == "Prepare in.whl"


def test_the_description_does_not_make_another_process() -> None:
    one = RuntimeProcess(RUNTIME, argv=(), description="one")
    assert dataclasses.replace(one, description="another") == one


def test_its_payload_is_the_program_as_source() -> None:
    payload = parse("runtime.payload", memoryview(program_payload()))
    assert payload is not None
    files = {file.path[len("pants_pyoxidizer/") :]: file.content for file in PROGRAMS}
    files = {path: content for path, content in files.items() if "__init__" not in path}
    assert {path: payload.read(it) for path, it in payload.files.items()} == files
    assert payload.modules == {path[: -len(".py")]: (path, False, None) for path in files}
    start = ("programs.wheels.make_payload", None)
    assert (payload.namespaces, payload.start) == (("programs", "programs/wheels"), start)

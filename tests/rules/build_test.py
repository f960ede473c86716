# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import json
from typing import Mapping
from unittest.mock import Mock

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.engine.fs import (
    Digest,
    DigestContents,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
)
from pants.engine.process import ProcessResult
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive
from pants_pyoxidizer.engine import (
    digest_subset_to_digest,
    get_digest_contents,
    merge_digests,
    remove_prefix,
)
from pants_pyoxidizer.util_rules.build import (
    Build,
    BuildRequest,
    WrongTargetTripleError,
    build,
    check_target_triple,
    environment,
    target_triple,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.crates import Crates, CratesRequest, get_crates
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain, SystemRust
from pants_pyoxidizer.util_rules.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process
from rules.mocks import process_mocks, run_rule

CONFIG, PYTHON, WHEELS, INPUT, OUTPUT, RESULT_FILE, BUILT, RESULT, CRATES = (
    Digest(c * 64, 1) for c in "abcdef012"
)

EXECUTABLE = "x86_64-unknown-linux-gnu/release/install/my-app"

REQUEST = BuildRequest(
    description="Building project:bin with PyOxidizer",
    name="my-app",
    args=("--release",),
    config=RenderedConfig(CONFIG),
    python=StandalonePython(
        PythonArchive("python.tar.zst", "0123", "3.11"),
        version="3.11.7",
        target_triple="x86_64-unknown-linux-gnu",
        digest=PYTHON,
        description="Python 3.11.7 is inside.",
    ),
    rust=RustToolchain(SystemRust(".cache/links/rust", "rustc 1.80\ncargo 1.80")),
    c_toolchain=CToolchain("/usr/bin:/bin", "cc 12"),
    inputs=WHEELS,
    wheel_dirs=(".", "third_party"),
)
MANAGED_RUST = dataclasses.replace(REQUEST, rust=RustToolchain(None))

# In this order: Pants compares it too.
ENVIRONMENT = {
    "PANTS_PYOXIDIZER_C_TOOLCHAIN": "cc 12",
    "PANTS_PYOXIDIZER_PATH": "{chroot}/__programs/pants_pyoxidizer/programs/cargo:/usr/bin:/bin",
    "PYOXIDIZER_CACHE_DIR": "{chroot}/.cache/pyoxidizer/0123",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "{chroot}/. {chroot}/third_party",
    "PIP_NO_INPUT": "1",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_COMPILE": "0",
}
SYSTEM_RUST_ENVIRONMENT = {
    **ENVIRONMENT,
    "PYOXIDIZER_SYSTEM_RUST": "1",
    "PANTS_PYOXIDIZER_RUST": "{chroot}/.cache/links/rust",
    "PANTS_PYOXIDIZER_TOOLCHAIN": "rustc 1.80\ncargo 1.80\ncc 12",
    "PANTS_PYOXIDIZER_CRATES": "{chroot}/.cache/pyoxidizer_crates",
    "PANTS_PYOXIDIZER_REGISTRY": "{chroot}/__crates",
    "PANTS_PYOXIDIZER_BUILT": "{chroot}/__built.txt",
}


def run_build(request: BuildRequest) -> tuple[ToolProcess, Build]:
    """The process that is asked for, and what becomes of its result."""
    processes: list[ToolProcess] = []

    def run(process: ToolProcess) -> ProcessResult:
        processes.append(process)
        return Mock(output_digest=OUTPUT)

    result = FileContent("__result.json", json.dumps({"executable": EXECUTABLE}).encode())
    subsets = {
        DigestSubset(OUTPUT, PathGlobs(["__result.json"])): RESULT_FILE,
        DigestSubset(OUTPUT, PathGlobs(["build/**"])): BUILT,
    }
    merge = MergeDigests((CONFIG, PYTHON, WHEELS))
    system = request.rust.system
    crates = {CratesRequest("x86_64-unknown-linux-gnu", system): Crates(CRATES)} if system else {}
    built = run_rule(
        build,
        request,
        mocks={
            get_crates: crates.__getitem__,
            merge_digests: {merge: INPUT}.__getitem__,
            **process_mocks(set_up_tool_process, run),
            get_digest_contents: {RESULT_FILE: DigestContents([result])}.__getitem__,
            digest_subset_to_digest: subsets.__getitem__,
            remove_prefix: {RemovePrefix(BUILT, "build"): RESULT}.__getitem__,
        },
    )
    (process,) = processes
    return process, built


@pytest.mark.parametrize(
    ("request_", "env", "immutable"),
    [
        pytest.param(REQUEST, SYSTEM_RUST_ENVIRONMENT, {"__crates": CRATES}, id="system Rust"),
        pytest.param(MANAGED_RUST, ENVIRONMENT, {}, id="managed Rust"),
    ],
)
def test_the_process_that_runs_pyoxidizer(
    request_: BuildRequest, env: Mapping[str, str], immutable: Mapping[str, Digest]
) -> None:
    process, _ = run_build(request_)
    assert process == ToolProcess(
        program="pyoxidizer.run_pyoxidizer",
        argv=(
            *("--name", "my-app", "--result", "__result.json", "--"),
            *("build", "--release"),
        ),
        description="",
        input_digest=INPUT,
        immutable_input_digests=FrozenDict(immutable),
        env=FrozenDict(env),
        append_only_caches=FrozenDict(
            pyoxidizer=".cache/pyoxidizer", pyoxidizer_crates=".cache/pyoxidizer_crates"
        ),
        output_files=("__result.json",),
        output_directories=("build",),
        level=LogLevel.INFO,
        is_slow=True,
    )
    assert process.description == "Building project:bin with PyOxidizer"


def test_what_is_built_once_takes_longer_to_be_smaller() -> None:
    small, _ = run_build(dataclasses.replace(MANAGED_RUST, optimize_size=True))
    env = {
        "CARGO_PROFILE_DEV_STRIP": "debuginfo",
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1",
        "CARGO_PROFILE_RELEASE_LTO": "fat",
    }
    process, _ = run_build(MANAGED_RUST)
    assert small == dataclasses.replace(
        process,
        argv=(
            *("--name", "my-app", "--result", "__result.json", "--strip-libraries", "--"),
            *("build", "--release"),
        ),
        env=FrozenDict({**process.env, **env}),
    )


def test_plain_files_are_compiled() -> None:
    with_files, _ = run_build(dataclasses.replace(REQUEST, has_plain_files=True))
    process, _ = run_build(REQUEST)
    argv = ("--name", "my-app", "--result", "__result.json", "--compile-files", "--")
    assert with_files == dataclasses.replace(process, argv=(*argv, "build", "--release"))


def test_the_executable_is_the_one_that_was_built() -> None:
    _, built = run_build(REQUEST)
    assert built == Build(RESULT, EXECUTABLE)
    assert built.install_dir == "x86_64-unknown-linux-gnu/release/install"


@pytest.mark.parametrize("request_", [REQUEST, MANAGED_RUST])
def test_the_environment_of_this_machine_plays_no_part(
    request_: BuildRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = environment(request_)
    for name in (*expected, "PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "PIP_INDEX_URL", "CC"):
        monkeypatch.setenv(name, "/elsewhere")
    assert environment(request_) == expected


def test_the_same_binary_for_another_target_is_not_built_again() -> None:
    another = dataclasses.replace(REQUEST, description="Building other:bin with PyOxidizer")
    assert another == REQUEST
    assert hash(another) == hash(REQUEST)
    assert run_build(another)[0] == run_build(REQUEST)[0]


@pytest.mark.parametrize(
    ("args", "triple"),
    [
        ((), None),
        (("--release",), None),
        (("--target-triple", "a", "--release"), "a"),
        (("--target-triple=a",), "a"),
        (("--target-triple=a", "--target-triple", "b"), "b"),
        (("--target-triple",), None),
    ],
)
def test_target_triple(args: tuple[str, ...], triple: str | None) -> None:
    assert target_triple(args) == triple


def test_a_triple_that_the_python_is_not_for() -> None:
    request = dataclasses.replace(REQUEST, args=("--target-triple=aarch64-apple-darwin",))
    with pytest.raises(WrongTargetTripleError) as e:
        check_target_triple(request)
    assert " ".join(str(e.value).split()) == (
        "`--target-triple` in `[pyoxidizer].args` is aarch64-apple-darwin, but the Python to embed "
        "is for x86_64-unknown-linux-gnu. To fix, remove the argument."
    )


def test_without_wheels_pip_has_nothing_to_look_at() -> None:
    request = dataclasses.replace(REQUEST, wheel_dirs=())
    assert environment(request) == {**SYSTEM_RUST_ENVIRONMENT, "PIP_FIND_LINKS": ""}


def test_each_python_has_a_cache_of_its_own() -> None:
    assert REQUEST.python.cache_key == "0123"
    pyoxidizers = dataclasses.replace(REQUEST.python, python=PyOxidizerPython("3.11"))
    assert pyoxidizers.cache_key == "pyoxidizer-3.11.7"


def test_wheels_are_resolved_for_the_embedded_python() -> None:
    assert REQUEST.python.constraint == InterpreterConstraints(["CPython==3.11.7"])
    # Which patch version PyOxidizer downloads need not be on this machine.
    pyoxidizers = dataclasses.replace(REQUEST.python, python=PyOxidizerPython("3.10"))
    assert pyoxidizers.constraint == InterpreterConstraints(["CPython==3.10.*"])

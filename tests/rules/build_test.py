# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import json
from unittest.mock import Mock

import pytest
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

from pants_pyoxidizer.configuration.config import PythonArchive
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
    target_triple,
)
from pants_pyoxidizer.util_rules.build_environment import (
    BuildEnvironment,
    BuildEnvironmentRequest,
    set_up_build_environment,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.python.standalone_python import HostPython
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain, SystemRust
from pants_pyoxidizer.util_rules.tool_process import CARGO_DIR, ToolProcess, set_up_tool_process
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
    python=HostPython(
        PythonArchive("python.tar.zst", "0123", "3.11"),
        version="3.11.7",
        target_triple="x86_64-unknown-linux-gnu",
        digest=PYTHON,
        host_python=".cache/links/python",
        description="Contains Python 3.11.7.",
    ),
    rust=RustToolchain(SystemRust(".cache/links/rust", "rustc 1.80\ncargo 1.80")),
    c_toolchain=CToolchain("/usr/bin:/bin", "cc 12"),
    inputs=WHEELS,
    wheel_dirs=(".", "third_party"),
)
WITH_MAIN = dataclasses.replace(REQUEST, main="main/main.rs")
OWN_MAIN = {"PANTS_PYOXIDIZER_MAIN": "{chroot}/main/main.rs"}
WRAPPER = f"{{chroot}}/{CARGO_DIR}/rustc_wrapper"

# In this order: Pants compares it too.
SURROUNDINGS = BuildEnvironment(
    env=FrozenDict(PANTS_PYOXIDIZER_C_TOOLCHAIN="cc 12", PIP_NO_INDEX="1"),
    immutable_input_digests=FrozenDict(__crates=CRATES),
    append_only_caches=FrozenDict(pyoxidizer=".cache/pyoxidizer"),
)


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
    surroundings = {
        BuildEnvironmentRequest(request.python, request.rust, request.c_toolchain): SURROUNDINGS
    }
    built = run_rule(
        build,
        request,
        mocks={
            set_up_build_environment: surroundings.__getitem__,
            merge_digests: {merge: INPUT}.__getitem__,
            **process_mocks(set_up_tool_process, run),
            get_digest_contents: {RESULT_FILE: DigestContents([result])}.__getitem__,
            digest_subset_to_digest: subsets.__getitem__,
            remove_prefix: {RemovePrefix(BUILT, "build"): RESULT}.__getitem__,
        },
    )
    (process,) = processes
    return process, built


def test_the_process_that_runs_pyoxidizer() -> None:
    process, _ = run_build(REQUEST)
    assert process == ToolProcess(
        program="pyoxidizer.run_pyoxidizer",
        argv=(
            *("--name", "my-app", "--result", "__result.json"),
            *("--wheels=.", "--wheels=third_party"),
            *("--", "build", "--release"),
        ),
        description="",
        input_digest=INPUT,
        immutable_input_digests=SURROUNDINGS.immutable_input_digests,
        env=SURROUNDINGS.env,
        append_only_caches=SURROUNDINGS.append_only_caches,
        output_files=("__result.json",),
        output_directories=("build",),
        level=LogLevel.INFO,
        is_slow=True,
    )
    assert process.description == "Building project:bin with PyOxidizer"


def test_what_is_built_once_takes_longer_to_be_smaller() -> None:
    small, _ = run_build(dataclasses.replace(REQUEST, optimize_size=True))
    env = {
        "CARGO_PROFILE_DEV_STRIP": "debuginfo",
        "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1",
        "CARGO_PROFILE_RELEASE_LTO": "fat",
    }
    process, _ = run_build(REQUEST)
    assert small == dataclasses.replace(
        process,
        argv=(
            *("--name", "my-app", "--result", "__result.json", "--strip-libraries"),
            *("--wheels=.", "--wheels=third_party"),
            *("--", "build", "--release"),
        ),
        env=FrozenDict({**process.env, **env}),
    )


@pytest.mark.parametrize(
    ("rust", "env"),
    [
        pytest.param(REQUEST.rust, OWN_MAIN, id="the cargo driver sets the wrapper"),
        pytest.param(RustToolchain(None), {**OWN_MAIN, "RUSTC_WRAPPER": WRAPPER}, id="managed"),
    ],
)
def test_a_main_program(rust: RustToolchain, env: dict[str, str]) -> None:
    process, _ = run_build(dataclasses.replace(WITH_MAIN, rust=rust))
    assert process.env == FrozenDict({**SURROUNDINGS.env, **env})


def test_plain_files_are_compiled() -> None:
    with_files, _ = run_build(dataclasses.replace(REQUEST, has_plain_files=True))
    process, _ = run_build(REQUEST)
    argv = (
        *("--name", "my-app", "--result", "__result.json", "--compile-files"),
        *("--wheels=.", "--wheels=third_party"),
        *("--", "build", "--release"),
    )
    assert with_files == dataclasses.replace(process, argv=argv)


def test_the_executable_is_the_one_that_was_built() -> None:
    _, built = run_build(REQUEST)
    assert built == Build(RESULT, EXECUTABLE)
    assert built.install_dir == "x86_64-unknown-linux-gnu/release/install"


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

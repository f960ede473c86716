# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Mapping

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.engine.fs import Digest
from pants.util.frozendict import FrozenDict

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive
from pants_pyoxidizer.util_rules.build_environment import (
    BuildEnvironment,
    BuildEnvironmentRequest,
    set_up_build_environment,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.crates import Crates, CratesRequest, get_crates
from pants_pyoxidizer.util_rules.python.standalone_python import (
    ArchivedPython,
    DownloadedPython,
    HostPython,
    StandalonePython,
)
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain, SystemRust
from rules.mocks import Mocks, run_rule

TRIPLE = "x86_64-unknown-linux-gnu"
CRATES = Digest("c" * 64, 1)
ARCHIVE = PythonArchive("python.tar.zst", "0123", "3.11")
FACTS = dict(version="3.11.7", target_triple=TRIPLE, digest=Digest("a" * 64, 1), description="")
HOST = HostPython(ARCHIVE, **FACTS, host_python=".cache/links/python")  # type: ignore[arg-type]
ARCHIVED = ArchivedPython(ARCHIVE, **FACTS, host_python=".cache/links/python")  # type: ignore[arg-type]
DOWNLOADED = DownloadedPython(PyOxidizerPython("3.10"), "3.10.9", TRIPLE, description="")
RUST = SystemRust(".cache/links/rust", "rustc 1.80\ncargo 1.80")
ENV = {
    "PANTS_PYOXIDIZER_C_TOOLCHAIN": "cc 12",
    "PANTS_PYOXIDIZER_PATH": "{chroot}/__programs/pants_pyoxidizer/programs/cargo:/usr/bin",
    "PYOXIDIZER_CACHE_DIR": "{chroot}/.cache/pyoxidizer/0123",
    "PIP_NO_INDEX": "1",
    "PIP_NO_INPUT": "1",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_COMPILE": "0",
}
SYSTEM_RUST_ENV = {
    **ENV,
    "PYOXIDIZER_SYSTEM_RUST": "1",
    "PANTS_PYOXIDIZER_RUST": "{chroot}/.cache/links/rust",
    "PANTS_PYOXIDIZER_TOOLCHAIN": "rustc 1.80\ncargo 1.80\ncc 12",
    "PANTS_PYOXIDIZER_CRATES": "{chroot}/.cache/pyoxidizer_crates",
    "PANTS_PYOXIDIZER_REGISTRY": "{chroot}/__crates",
    "PANTS_PYOXIDIZER_BUILT": "{chroot}/__built.txt",
}


@pytest.mark.parametrize(
    ("rust", "env", "immutable"),
    [
        pytest.param(RUST, SYSTEM_RUST_ENV, {"__crates": CRATES}, id="system Rust"),
        pytest.param(None, ENV, {}, id="Rust that PyOxidizer downloads"),
    ],
)
def test_what_a_process_with_pyoxidizer_gets(
    rust: SystemRust | None, env: Mapping[str, str], immutable: Mapping[str, Digest]
) -> None:
    surroundings = run_rule(
        set_up_build_environment,
        BuildEnvironmentRequest(HOST, RustToolchain(rust), CToolchain("/usr/bin", "cc 12")),
        mocks={get_crates: {CratesRequest(TRIPLE, RUST): Crates(CRATES)}.__getitem__},
    )
    assert surroundings == BuildEnvironment(
        FrozenDict(env),
        FrozenDict(immutable),
        FrozenDict(pyoxidizer=".cache/pyoxidizer", pyoxidizer_crates=".cache/pyoxidizer_crates"),
    )


def test_the_environment_of_this_machine_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    request = BuildEnvironmentRequest(HOST, RustToolchain(RUST), CToolchain("/usr/bin", "cc 12"))
    mocks: Mocks = {get_crates: lambda _: Crates(CRATES)}
    expected = run_rule(set_up_build_environment, request, mocks=mocks)
    for name in (*SYSTEM_RUST_ENV, "PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "/elsewhere")
    assert run_rule(set_up_build_environment, request, mocks=mocks) == expected


@pytest.mark.parametrize(
    ("python", "cache_key"),
    [(HOST, "0123"), (ARCHIVED, "0123"), (DOWNLOADED, "pyoxidizer-3.10.9")],
)
def test_each_python_has_a_cache_of_its_own(python: StandalonePython, cache_key: str) -> None:
    assert python.cache_key == cache_key


@pytest.mark.parametrize(
    ("python", "constraint"),
    [
        (HOST, "CPython==3.11.7"),
        # Which patch release is embedded need not be on this machine.
        (ARCHIVED, "CPython==3.11.*"),
        (DOWNLOADED, "CPython==3.10.*"),
    ],
)
def test_wheels_are_resolved_for_the_embedded_python(
    python: StandalonePython, constraint: str
) -> None:
    assert python.resolver_constraints == InterpreterConstraints([constraint])

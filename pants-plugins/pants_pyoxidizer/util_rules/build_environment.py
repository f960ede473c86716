# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The environment of processes that run PyOxidizer: toolchains, crates and caches, no network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import Digest
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import collect_rules, implicitly, rule
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.crates import CratesRequest, get_crates
from pants_pyoxidizer.util_rules.python.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain
from pants_pyoxidizer.util_rules.tool_process import CARGO_DIR

BUILT = "__built.txt"  # The cargo driver records here what it built.

_CACHE = ".cache/pyoxidizer"
_CRATES_CACHE = ".cache/pyoxidizer_crates"
_REGISTRY_DIR = "__crates"


@dataclass(frozen=True)
class BuildEnvironmentRequest:
    python: StandalonePython
    rust: RustToolchain
    c_toolchain: CToolchain


@dataclass(frozen=True)
class BuildEnvironment:
    """For a `ToolProcess`. `{chroot}` stands for the sandbox: PyOxidizer needs absolute paths."""

    env: FrozenDict[str, str]
    immutable_input_digests: FrozenDict[str, Digest]
    append_only_caches: FrozenDict[str, str] = FrozenDict(
        pyoxidizer=_CACHE, pyoxidizer_crates=_CRATES_CACHE
    )


@rule(level=LogLevel.DEBUG)
async def set_up_build_environment(request: BuildEnvironmentRequest) -> BuildEnvironment:
    rust = request.rust.system
    if rust is None:
        # PyOxidizer downloads Rust, and fetches crates with it.
        return BuildEnvironment(FrozenDict(_common(request)), FrozenDict())
    crates_request = CratesRequest(request.python.target_triple, rust)
    crates = await get_crates(crates_request, **implicitly())
    env = {
        **_common(request),
        "PYOXIDIZER_SYSTEM_RUST": "1",
        "PANTS_PYOXIDIZER_RUST": f"{{chroot}}/{rust.sysroot}",
        "PANTS_PYOXIDIZER_TOOLCHAIN": f"{rust.fingerprint}\n{request.c_toolchain.fingerprint}",
        "PANTS_PYOXIDIZER_CRATES": f"{{chroot}}/{_CRATES_CACHE}",
        "PANTS_PYOXIDIZER_REGISTRY": f"{{chroot}}/{_REGISTRY_DIR}",
        "PANTS_PYOXIDIZER_BUILT": f"{{chroot}}/{BUILT}",
    }
    return BuildEnvironment(FrozenDict(env), FrozenDict({_REGISTRY_DIR: crates.digest}))


def _common(request: BuildEnvironmentRequest) -> dict[str, str]:
    return {
        "PANTS_PYOXIDIZER_C_TOOLCHAIN": request.c_toolchain.fingerprint,
        # `cargo` must resolve to the driver.
        "PANTS_PYOXIDIZER_PATH": os.pathsep.join(
            (f"{{chroot}}/{CARGO_DIR}", request.c_toolchain.path)
        ),
        # One per Python: PyOxidizer identifies archives by their file names alone.
        "PYOXIDIZER_CACHE_DIR": f"{{chroot}}/{_CACHE}/{request.python.cache_key}",
        # pip must see only the wheels that Pants resolved.
        "PIP_NO_INDEX": "1",
        "PIP_NO_INPUT": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_COMPILE": "0",
    }


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the system's C toolchain, which is needed to compile crates and to link."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.core.util_rules.system_binaries import (
    BinaryNotFoundError,
    BinaryPathRequest,
    BinaryPathTest,
)
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    find_binary,
    implicitly,
    rule,
)
from pants_pyoxidizer.subsystem import SCOPE, PyOxidizer

# Only `cc` has a portable way to print its version.
_TOOLS = (("cc", BinaryPathTest(("--version",))), ("ar", None))


@dataclass(frozen=True)
class CToolchainRequest:
    # Builds the crate jemalloc, PyOxidizer's default allocator in templates.
    with_make: bool


@dataclass(frozen=True)
class CToolchain:
    path: str  # For the PATH variable.
    fingerprint: str  # Changes with the compiler's version.


@rule(desc="Find the C toolchain", level=LogLevel.DEBUG)
async def find_c_toolchain(
    request: CToolchainRequest, pyoxidizer: PyOxidizer.EnvironmentAware
) -> CToolchain:
    search_path = pyoxidizer.c_toolchain_search_path
    tools = (*_TOOLS, ("make", None)) if request.with_make else _TOOLS
    found = await concurrently(
        find_binary(
            BinaryPathRequest(binary_name=name, search_path=search_path, test=test), **implicitly()
        )
        for name, test in tools
    )
    missing = [paths.binary_name for paths in found if not paths.paths]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        raise BinaryNotFoundError(
            softwrap(
                f"""
                Building a PyOxidizer binary requires {names}, missing from
                {os.pathsep.join(search_path)}.

                To fix, install a C toolchain (Debian and Ubuntu: `apt-get install gcc libc6-dev
                make`; Fedora: `dnf install gcc make`; macOS: `xcode-select --install`), or set
                `[{SCOPE}].c_toolchain_search_path` to the folders that contain it.
                """
            )
        )
    compiler = found[0].paths[0]
    return CToolchain(os.pathsep.join(search_path), compiler.fingerprint)


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Fetches the Rust crates that PyOxidizer compiles, once, so that builds need no network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import (
    EMPTY_DIGEST,
    Digest,
    GlobMatchErrorBehavior,
    PathGlobs,
    RemovePrefix,
)
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_pyoxidizer.diagnostics.redaction import without_credentials
from pants_pyoxidizer.engine import (
    collect_rules,
    execute_process,
    implicitly,
    path_globs_to_digest,
    remove_prefix,
    rule,
)
from pants_pyoxidizer.subsystem import SCOPE, PyOxidizer
from pants_pyoxidizer.util_rules.host_links import HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.rust_toolchain import SystemRust
from pants_pyoxidizer.util_rules.tool_process import (
    CARGO_DIR,
    ToolProcess,
    set_up_tool_process,
)

# Not `pyoxidizer-crates`: `--pyoxidizer-crates-dir` would be an option of that goal.
GOAL = "vendor-crates"

_OUTPUT = "__crates"


class CratesError(Exception):
    """The crates are unavailable."""


@dataclass(frozen=True)
class CratesRequest:
    target_triple: str
    rust: SystemRust
    from_registry: bool = False  # Ignore `[pyoxidizer].crates_dir`.


@dataclass(frozen=True)
class Crates:
    """A local registry (cargo's term) with every crate that the target triple needs."""

    digest: Digest


@dataclass(frozen=True)
class CratesSource:
    """Where to get crates from, as arguments for `fetch_crates`."""

    args: tuple[str, ...]
    digest: Digest


@rule
async def find_crates_source(request: CratesRequest, pyoxidizer: PyOxidizer) -> CratesSource:
    if pyoxidizer.crates_dir and not request.from_registry:
        vendored = await path_globs_to_digest(PathGlobs([f"{pyoxidizer.crates_dir}/**"]))
        if vendored == EMPTY_DIGEST:
            problem = "It is empty or does not exist."
            raise CratesError(describe_problem(pyoxidizer.crates_dir, problem))
        return CratesSource(("--vendored", pyoxidizer.crates_dir), vendored)
    args: tuple[str, ...] = ()
    config = EMPTY_DIGEST
    if pyoxidizer.crates_config:
        globs = PathGlobs(
            [pyoxidizer.crates_config],
            glob_match_error_behavior=GlobMatchErrorBehavior.error,
            description_of_origin=f"the option `[{SCOPE}].crates_config`",
        )
        config = await path_globs_to_digest(globs)
        args = ("--config", pyoxidizer.crates_config)
    if pyoxidizer.crates_credentials:
        path, what = pyoxidizer.crates_credentials, f"The `[{SCOPE}].crates_credentials` file"
        # The name includes the path: Pants may be linking another repository's file concurrently.
        home = os.path.expanduser("~/")
        name = f"~/{path[len(home):]}" if path.startswith(home) else path
        link = await make_host_link(
            HostLinkRequest(path, f"credentials {name}", what), **implicitly()
        )
        args = (*args, "--credentials", link.path)
    return CratesSource(args, config)


@rule(desc="Get Rust crates", level=LogLevel.DEBUG)
async def get_crates(request: CratesRequest, pyoxidizer: PyOxidizer) -> Crates:
    source = await find_crates_source(request, **implicitly())
    vendored = "--vendored" in source.args
    process = await set_up_tool_process(
        ToolProcess(
            program="pyoxidizer.fetch_crates",
            argv=("--target", request.target_triple, "--output", _OUTPUT, *source.args),
            description=f"{'Checking vendored' if vendored else 'Fetching'} Rust crates (once)",
            input_digest=source.digest,
            env=FrozenDict(
                {
                    "PYOXIDIZER_SYSTEM_RUST": "1",
                    "PANTS_PYOXIDIZER_RUST": f"{{chroot}}/{request.rust.sysroot}",
                    # Makes the Rust version part of the cache key.
                    "PANTS_PYOXIDIZER_TOOLCHAIN": request.rust.fingerprint,
                    "PANTS_PYOXIDIZER_PATH": f"{{chroot}}/{CARGO_DIR}",
                }
            ),
            output_directories=(_OUTPUT,),
            level=LogLevel.INFO,
            is_slow=True,
        ),
        **implicitly(),
    )
    result = await execute_process(process, **implicitly())
    if result.exit_code != 0:
        problem = without_credentials(result.stderr.decode(errors="replace").strip())
        raise CratesError(describe_problem(pyoxidizer.crates_dir if vendored else None, problem))
    return Crates(await remove_prefix(RemovePrefix(result.output_digest, _OUTPUT)))


def describe_problem(vendored: str | None, problem: str) -> str:
    if vendored is None:
        what = "Cannot fetch the Rust crates that PyOxidizer compiles:"
        cure = f"""
            To fix, give Pants access to the crate registry, configure a mirror in
            `[{SCOPE}].crates_config`, or vendor the crates in the repository with
            `[{SCOPE}].crates_dir`.
            """
    else:
        what = (
            f"`[{SCOPE}].crates_dir` is {vendored!r}, which lacks Rust crates that PyOxidizer "
            "compiles:"
        )
        cure = f"To fix, run `pants {GOAL}` to fetch them into that folder, and commit it."
    return f"{what}\n\n{problem}\n\n{softwrap(cure)}"


def rules() -> Iterable[Any]:
    return collect_rules()

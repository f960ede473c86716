# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs PyOxidizer: the arguments, environment, caches and paths of its process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import (
    Digest,
    DigestSubset,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
)
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    digest_subset_to_digest,
    get_digest_contents,
    implicitly,
    merge_digests,
    remove_prefix,
    rule,
)
from pants_pyoxidizer.subsystem import SCOPE
from pants_pyoxidizer.util_rules.build_environment import (
    BuildEnvironmentRequest,
    set_up_build_environment,
)
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.python.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain
from pants_pyoxidizer.util_rules.tool_process import (
    CARGO_DIR,
    ToolProcess,
    run_tool,
)

_BUILD_DIR = "build"  # PyOxidizer's output folder.
_RESULT = "__result.json"


@dataclass(frozen=True)
class BuildRequest:
    description: str = dataclasses.field(compare=False)  # Only shown to users.
    name: str  # Name of the executable.
    args: tuple[str, ...]
    config: RenderedConfig
    python: StandalonePython
    rust: RustToolchain
    c_toolchain: CToolchain
    inputs: Digest  # Files that the configuration names.
    # Folders of `inputs` in which pip may look for wheels that a template requests by name.
    wheel_dirs: tuple[str, ...] = ()
    # Plain files are compiled after the build; PyOxidizer itself compiles embedded modules.
    has_plain_files: bool = False
    optimize_size: bool = False
    # The executable's main program, if not PyOxidizer's: the path of a Rust file among the inputs.
    main: str | None = None


@dataclass(frozen=True)
class Build:
    """PyOxidizer's output: `<target triple>/{debug,release}/install/...`."""

    digest: Digest
    executable: str  # Relative to the digest's root.

    @property
    def install_dir(self) -> str:
        """`<target triple>/{debug,release}/<PyOxidizer's target>`."""
        return "/".join(self.executable.split("/")[:3])


class WrongTargetTripleError(Exception):
    """PyOxidizer would build for a platform other than the embedded Python's."""


def target_triple(args: Iterable[str]) -> str | None:
    """The value of `--target-triple` in arguments for PyOxidizer; the last one wins."""
    triple = None
    arguments = iter(args)
    for argument in arguments:
        if argument == "--target-triple":
            triple = next(arguments, None)
        elif argument.startswith("--target-triple="):
            triple = argument.partition("=")[2]
    return triple


def check_target_triple(request: BuildRequest) -> None:
    triple = target_triple(request.args)
    if triple not in (None, request.python.target_triple):
        raise WrongTargetTripleError(
            softwrap(
                f"""
                `--target-triple` in `[{SCOPE}].args` is {triple}, but the Python to embed is for
                {request.python.target_triple}. To fix, remove the argument.
                """
            )
        )


# Compiles slower, so only used for the runtime, which is built once.
_SMALL = {
    "CARGO_PROFILE_DEV_STRIP": "debuginfo",  # Strips libpython.
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "1",
    "CARGO_PROFILE_RELEASE_LTO": "fat",
}


def _own_environment(request: BuildRequest) -> dict[str, str]:
    env = dict(_SMALL) if request.optimize_size else {}
    if request.main is not None:
        env["PANTS_PYOXIDIZER_MAIN"] = f"{{chroot}}/{request.main}"
        if request.rust.system is None:
            # With the system's Rust, the cargo driver sets it.
            env["RUSTC_WRAPPER"] = f"{{chroot}}/{CARGO_DIR}/rustc_wrapper"
    return env


@rule(desc="Build with PyOxidizer", level=LogLevel.DEBUG)
async def build(request: BuildRequest) -> Build:
    check_target_triple(request)
    surroundings, input_digest = await concurrently(
        set_up_build_environment(
            BuildEnvironmentRequest(request.python, request.rust, request.c_toolchain),
            **implicitly(),
        ),
        merge_digests(MergeDigests((request.config.digest, request.python.digest, request.inputs))),
    )
    result = await run_tool(
        ToolProcess(
            program="pyoxidizer.run_pyoxidizer",
            argv=(
                *("--name", request.name, "--result", _RESULT),
                *(["--strip-libraries"] if request.optimize_size else []),
                *(["--compile-files"] if request.has_plain_files else []),
                *(f"--wheels={folder}" for folder in request.wheel_dirs),
                *("--", "build", *request.args),
            ),
            description=request.description,
            input_digest=input_digest,
            immutable_input_digests=surroundings.immutable_input_digests,
            env=FrozenDict({**surroundings.env, **_own_environment(request)}),
            append_only_caches=surroundings.append_only_caches,
            output_files=(_RESULT,),
            output_directories=(_BUILD_DIR,),
            level=LogLevel.INFO,
            is_slow=True,
        )
    )
    result_digest, built = await concurrently(
        digest_subset_to_digest(DigestSubset(result.output_digest, PathGlobs([_RESULT]))),
        digest_subset_to_digest(
            DigestSubset(result.output_digest, PathGlobs([f"{_BUILD_DIR}/**"]))
        ),
    )
    (result_file,) = await get_digest_contents(result_digest)
    digest = await remove_prefix(RemovePrefix(built, _BUILD_DIR))
    return Build(digest, executable=json.loads(result_file.content)["executable"])


def rules() -> Iterable[Any]:
    return collect_rules()

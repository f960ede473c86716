# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The process that runs PyOxidizer: its arguments, environment, caches and paths."""

from __future__ import annotations

import dataclasses
import json
import os
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
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.crates import CratesRequest, get_crates
from pants_pyoxidizer.util_rules.rendered_config import RenderedConfig
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain
from pants_pyoxidizer.util_rules.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.tool_process import (
    CARGO_DIR,
    ToolProcess,
    run_tool,
)

_BUILD_DIR = "build"  # Where PyOxidizer writes.
_RESULT = "__result.json"
_BUILT = "__built.txt"

_CACHE = ".cache/pyoxidizer"
_CRATES = ".cache/pyoxidizer_crates"
CACHES: FrozenDict[str, str] = FrozenDict(pyoxidizer=_CACHE, pyoxidizer_crates=_CRATES)
REGISTRY_DIR = "__crates"


@dataclass(frozen=True)
class BuildRequest:
    description: str = dataclasses.field(compare=False)  # For the user to see.
    name: str  # Of the executable.
    args: tuple[str, ...]
    config: RenderedConfig
    python: StandalonePython
    rust: RustToolchain
    c_toolchain: CToolchain
    inputs: Digest  # What the configuration names.
    # Folders of `inputs` in which pip may look for wheels that a template asks for by name.
    wheel_dirs: tuple[str, ...] = ()
    # They are compiled at the end. What is embedded, PyOxidizer compiles itself.
    has_plain_files: bool = False
    # Takes longer, so it is for what is built once.
    optimize_size: bool = False


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
    """PyOxidizer would build for another platform than that of the embedded Python."""


def target_triple(args: Iterable[str]) -> str | None:
    """What `--target-triple` is set to in arguments of PyOxidizer's; the last one counts."""
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


def environment(request: BuildRequest) -> dict[str, str]:
    """The environment of the process.

    `{chroot}` stands for the sandbox: PyOxidizer wants absolute paths.
    """
    env = {
        "PANTS_PYOXIDIZER_C_TOOLCHAIN": request.c_toolchain.fingerprint,
        # The cargo driver comes first.
        "PANTS_PYOXIDIZER_PATH": os.pathsep.join(
            (f"{{chroot}}/{CARGO_DIR}", request.c_toolchain.path)
        ),
        # One for each Python: PyOxidizer tells archives apart by their file names alone.
        "PYOXIDIZER_CACHE_DIR": f"{{chroot}}/{_CACHE}/{request.python.cache_key}",
        # pip sees the wheels that Pants resolved, and nothing else.
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": " ".join(f"{{chroot}}/{folder}" for folder in request.wheel_dirs),
        "PIP_NO_INPUT": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_COMPILE": "0",
    }
    if request.optimize_size:
        env.update(
            CARGO_PROFILE_DEV_STRIP="debuginfo",  # Of libpython.
            CARGO_PROFILE_RELEASE_CODEGEN_UNITS="1",
            CARGO_PROFILE_RELEASE_LTO="fat",
        )
    rust = request.rust.system
    if rust is not None:
        env.update(
            PYOXIDIZER_SYSTEM_RUST="1",
            PANTS_PYOXIDIZER_RUST=f"{{chroot}}/{rust.sysroot}",
            PANTS_PYOXIDIZER_TOOLCHAIN=f"{rust.fingerprint}\n{request.c_toolchain.fingerprint}",
            PANTS_PYOXIDIZER_CRATES=f"{{chroot}}/{_CRATES}",
            PANTS_PYOXIDIZER_REGISTRY=f"{{chroot}}/{REGISTRY_DIR}",
            PANTS_PYOXIDIZER_BUILT=f"{{chroot}}/{_BUILT}",
        )
    return env


@rule(desc="Build with PyOxidizer", level=LogLevel.DEBUG)
async def build(request: BuildRequest) -> Build:
    check_target_triple(request)
    immutable = {}
    if request.rust.system is not None:
        crates_request = CratesRequest(request.python.target_triple, request.rust.system)
        crates = await get_crates(crates_request, **implicitly())
        immutable[REGISTRY_DIR] = crates.digest
    input_digest = await merge_digests(
        MergeDigests((request.config.digest, request.python.digest, request.inputs))
    )
    result = await run_tool(
        ToolProcess(
            program="pyoxidizer.run_pyoxidizer",
            argv=(
                *("--name", request.name, "--result", _RESULT),
                *(["--strip-libraries"] if request.optimize_size else []),
                *(["--compile-files"] if request.has_plain_files else []),
                *("--", "build", *request.args),
            ),
            description=request.description,
            input_digest=input_digest,
            immutable_input_digests=FrozenDict(immutable),
            env=FrozenDict(environment(request)),
            append_only_caches=CACHES,
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

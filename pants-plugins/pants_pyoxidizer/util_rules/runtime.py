# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Builds the runtime: an executable with an interpreter, its standard library and startup code.

It does not depend on any program, so all binaries share one. It also prepares their payloads,
because bytecode must match its Python.
"""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Iterable, Iterator

from pants.engine.fs import (
    EMPTY_DIGEST,
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
)
from pants.engine.process import Process, ProcessResult
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer import package_data
from pants_pyoxidizer.configuration.config import runtime_config
from pants_pyoxidizer.engine import (
    collect_rules,
    concurrently,
    create_digest,
    digest_subset_to_digest,
    execute_process_or_raise,
    implicitly,
    merge_digests,
    remove_prefix,
    rule,
)
from pants_pyoxidizer.startup.payload import SUFFIX, Writer
from pants_pyoxidizer.util_rules.build import BuildRequest, build
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.python.standalone_python import StandalonePython
from pants_pyoxidizer.util_rules.rendered_config import CONFIG_FILE, RenderedConfig
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain

NAME = "runtime"
RARELY_USED_DIR = "rarely_used"
STARTUP_DIR = "startup"
# The main program in Rust: the first file is compiled, and names the others.
_MAIN_DIR = "main"
_MAIN_FILES = ("main.rs", "process.rs")

_RUNTIME_DIR = "__runtime"
# The folder of programs that the runtime gets, and the module that it runs.
_PROGRAMS = "programs/wheels"
_PROGRAM = "programs.wheels.make_payload"


@dataclass(frozen=True)
class RuntimeRequest:
    python: StandalonePython
    rust: RustToolchain
    c_toolchain: CToolchain
    args: tuple[str, ...]


@dataclass(frozen=True)
class Runtime:
    """The executable NAME, its sidecar files, and modules that every payload must contain.

    The modules are those of the standard library that the executable lacks, as sources in
    RARELY_USED_DIR.
    """

    executable: Digest
    sidecar: Digest
    rarely_used: Digest
    install_dir: str  # PyOxidizer's layout: `<target triple>/{debug,release}/install`.


@dataclass(frozen=True)
class RuntimeProcess:
    """A request to run `make_payload` in a runtime."""

    runtime: Runtime
    argv: tuple[str, ...]
    description: str = dataclasses.field(compare=False)
    input_digest: Digest = EMPTY_DIGEST
    output_files: tuple[str, ...] = ()
    output_directories: tuple[str, ...] = ()
    level: LogLevel = LogLevel.DEBUG


@rule(level=LogLevel.DEBUG)
async def build_runtime(request: RuntimeRequest) -> Runtime:
    config = runtime_config(
        request.python.python, name=NAME, startup_dir=STARTUP_DIR, rarely_used_dir=RARELY_USED_DIR
    )
    config_digest, startup = await concurrently(
        create_digest(CreateDigest([FileContent(CONFIG_FILE, config.encode())])),
        create_digest(CreateDigest([*_startup_files(), *_main_files()])),
    )
    version = request.python.python.minor_version
    mode = "".join(f" {argument}" for argument in request.args)
    build_request = BuildRequest(
        description=f"Building the Python {version} runtime{mode} (once)",
        name=NAME,
        args=request.args,
        config=RenderedConfig(config_digest),
        python=request.python,
        rust=request.rust,
        c_toolchain=request.c_toolchain,
        inputs=startup,
        optimize_size=True,
        main=f"{_MAIN_DIR}/{_MAIN_FILES[0]}",
    )
    built = await build(build_request, **implicitly())
    digest = await remove_prefix(RemovePrefix(built.digest, built.install_dir))
    executable, sidecar, rarely_used = await concurrently(
        digest_subset_to_digest(DigestSubset(digest, PathGlobs([NAME]))),
        digest_subset_to_digest(
            DigestSubset(digest, PathGlobs(["**", f"!/{NAME}", f"!/{RARELY_USED_DIR}"]))
        ),
        digest_subset_to_digest(DigestSubset(digest, PathGlobs([f"{RARELY_USED_DIR}/**"]))),
    )
    return Runtime(executable, sidecar, rarely_used, built.install_dir)


def _startup_files() -> Iterator[FileContent]:
    for file in package_data.package_files("startup"):
        yield dataclasses.replace(file, path=f"{STARTUP_DIR}/{file.path}")


def _main_files() -> Iterator[FileContent]:
    for name in _MAIN_FILES:
        yield FileContent(f"{_MAIN_DIR}/{name}", package_data.read(f"startup/{name}"))


def program_payload() -> bytes:
    """A payload with `make_payload`, as source: the runtime's Python may differ from ours."""
    output = io.BytesIO()
    writer = Writer(output)
    for file in package_data.package_files(_PROGRAMS):
        # The runtime has its own package `pants_pyoxidizer`.
        path = PurePosixPath(*PurePosixPath(file.path).parts[1:])
        if path.name != "__init__.py":
            writer.add_file(str(path), file.content)
            writer.add_module(str(path.with_suffix("")), str(path), is_package=False)
    writer.finish(_PROGRAM)
    return output.getvalue()


@rule
async def set_up_runtime_process(request: RuntimeProcess) -> Process:
    payload = FileContent(NAME + SUFFIX, program_payload())
    payload_digest = await create_digest(CreateDigest([payload]))
    runtime = request.runtime
    # Immutable inputs are not copied for each process.
    immutable = await merge_digests(
        MergeDigests((runtime.executable, runtime.sidecar, payload_digest))
    )
    return Process(
        argv=(f"{_RUNTIME_DIR}/{NAME}", *request.argv),
        description=request.description,
        level=request.level,
        input_digest=request.input_digest,
        immutable_input_digests=FrozenDict({_RUNTIME_DIR: immutable}),
        output_files=request.output_files,
        output_directories=request.output_directories,
    )


async def run_in_runtime(request: RuntimeProcess) -> ProcessResult:
    process = await set_up_runtime_process(request, **implicitly())
    return await execute_process_or_raise(**implicitly({process: Process}))


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs the modules of `pants_pyoxidizer.programs` in processes.

A module runs in the virtual environment of the `[pyoxidizer]` tool or of another tool, and may
import what that tool pins. Alternatively, a given interpreter runs it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Iterable

from pants.backend.python.util_rules.pex import PexRequest, VenvPexProcess
from pants.core.util_rules.subprocess_environment import SubprocessEnvironmentVars
from pants.engine.fs import (
    EMPTY_DIGEST,
    CreateDigest,
    Digest,
    DigestSubset,
    PathGlobs,
)
from pants.engine.process import (
    Process,
    ProcessCacheScope,
    ProcessExecutionFailure,
    ProcessResult,
)
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.diagnostics.redaction import without_credentials
from pants_pyoxidizer.diagnostics.resolve_failures import explain_tool
from pants_pyoxidizer.engine import (
    collect_rules,
    create_digest,
    create_venv_pex,
    digest_subset_to_digest,
    execute_process_or_raise,
    implicitly,
    rule,
    setup_venv_pex_process,
)
from pants_pyoxidizer.package_data import package_files
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.util_rules.host_links import LINKS_CACHE, LINKS_DIR

PROGRAMS_DIR = "__programs"
_START = f"{PROGRAMS_DIR}/pants_pyoxidizer/programs"
# For PATH: the folder of the `cargo` that PyOxidizer runs.
CARGO_DIR = f"{_START}/cargo"

# How long to wait for a remote cache hit. A miss is reported at once.
REMOTE_CACHE_MILLIS = 10_000


# Runs in the virtual environment. The link's name covers its Python's version, and the machine's
# glibc, which executables are linked with. A working link is kept: another repository's Pants may
# use it, and this repository's Python may be removed first.
_LINK_VENV = dedent(
    """\
    import hashlib, os, platform, sys
    folder, fingerprint = sys.argv[1:]
    name = "CS_GNU_LIBC_VERSION"
    libc = os.confstr(name) if name in os.confstr_names else sys.platform
    python = f"{platform.python_implementation()} {platform.python_version()}"
    key = f"{python} {libc} {fingerprint}"
    link = os.path.join(folder, hashlib.sha256(key.encode()).hexdigest()[:32])
    if not os.access(os.path.join(link, "bin/python"), os.X_OK):
        new = f"{link}.{os.getpid()}"
        os.symlink(os.path.realpath(sys.prefix), new)
        os.replace(new, link)
    print(link)
    """
)


@dataclass(frozen=True)
class ToolProcess:
    """A request to run a module of `programs/`, for example `wheels.make_payload`."""

    program: str
    argv: tuple[str, ...]
    description: str = dataclasses.field(compare=False)
    input_digest: Digest = EMPTY_DIGEST
    # Large inputs, which are not copied for each process.
    immutable_input_digests: FrozenDict[str, Digest] = FrozenDict()
    env: FrozenDict[str, str] = FrozenDict()
    append_only_caches: FrozenDict[str, str] = FrozenDict()
    output_files: tuple[str, ...] = ()
    output_directories: tuple[str, ...] = ()
    level: LogLevel = LogLevel.DEBUG
    cache_scope: ProcessCacheScope = ProcessCacheScope.SUCCESSFUL
    # Slower than a download: wait for the remote cache before starting the process.
    is_slow: bool = False
    # The tool whose virtual environment is used, instead of `[pyoxidizer]`.
    tool: PexRequest | None = None
    # Instead of a tool: a link to an interpreter, for programs that need only the standard library.
    python_link: str | None = None


@dataclass(frozen=True)
class Programs:
    """The programs that processes run, as the package `pants_pyoxidizer`."""

    digest: Digest


@rule
async def collect_programs() -> Programs:
    return Programs(await create_digest(CreateDigest(package_files("programs", "diagnostics"))))


class UnusableToolError(Exception):
    """A tool of the plugin cannot be installed on any Python of this machine."""


@dataclass(frozen=True)
class ToolVenvRequest:
    tool: PexRequest


@dataclass(frozen=True)
class ToolVenv:
    """The virtual environment of a tool, for processes that mount LINKS_CACHE."""

    path: str  # Relative to the sandbox.


def tool_problem(tool: str, stderr: bytes) -> str | None:
    """Why `tool`, such as "pyoxidizer.pex", cannot be installed, if that is known."""
    said = without_credentials(stderr.decode(errors="replace").strip())
    explanation = explain_tool(said)
    if explanation is None:
        return None
    return f"{tool} cannot be installed. Pex says:\n\n{said}\n\n{explanation}"


@rule(level=LogLevel.DEBUG)
async def set_up_tool_venv(request: ToolVenvRequest) -> ToolVenv:
    try:
        venv_pex = await create_venv_pex(**implicitly({request.tool: PexRequest}))
    except ProcessExecutionFailure as failure:
        problem = tool_problem(request.tool.output_filename, failure.stderr)
        if problem is None:
            raise
        raise UnusableToolError(problem) from None
    name = venv_pex.pex_filename
    # The other files are scripts, which contain paths of this machine.
    pex = await digest_subset_to_digest(
        DigestSubset(venv_pex.digest, PathGlobs([name, f"{name}/**"]))
    )
    process = await setup_venv_pex_process(
        VenvPexProcess(
            venv_pex,
            argv=("-c", _LINK_VENV, LINKS_DIR, pex.fingerprint),
            append_only_caches=LINKS_CACHE,
            description=f"Find the virtual environment of {name}",
            level=LogLevel.DEBUG,
            # Valid on this machine only. Per session, it would add 0.1 s to a no-op build.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        ),
        **implicitly(),
    )
    argv = (venv_pex.python.argv0, *process.argv[1:])
    result = await execute_process_or_raise(
        **implicitly({dataclasses.replace(process, argv=argv): Process})
    )
    return ToolVenv(result.stdout.decode().strip())


@rule
async def set_up_tool_process(
    request: ToolProcess, pyoxidizer: PyOxidizer, subprocess_env: SubprocessEnvironmentVars
) -> Process:
    programs = await collect_programs(**implicitly())
    # Sandboxes share the programs, so no bytecode may be written next to them.
    python: tuple[str, ...]
    if request.python_link is not None:
        python = (request.python_link, "-I", "-S", "-B")
    else:
        tool = request.tool or pyoxidizer.to_pex_request()
        venv = await set_up_tool_venv(ToolVenvRequest(tool), **implicitly())
        python = (f"{venv.path}/bin/python", "-B")
    return Process(
        (*python, _START, request.program, *request.argv),
        description=request.description,
        level=request.level,
        input_digest=request.input_digest,
        immutable_input_digests={
            **request.immutable_input_digests,
            PROGRAMS_DIR: programs.digest,
        },
        env={**subprocess_env.vars, **request.env},
        append_only_caches={**LINKS_CACHE, **request.append_only_caches},
        output_files=request.output_files,
        output_directories=request.output_directories,
        cache_scope=request.cache_scope,
        remote_cache_speculation_delay_millis=REMOTE_CACHE_MILLIS if request.is_slow else 0,
    )


async def run_tool(request: ToolProcess) -> ProcessResult:
    process = await set_up_tool_process(request, **implicitly())
    return await execute_process_or_raise(**implicitly({process: Process}))


def rules() -> Iterable[Any]:
    return collect_rules()

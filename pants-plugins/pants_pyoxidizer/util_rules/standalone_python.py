# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The Python that goes into a binary."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Iterable

from packaging.version import Version
from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.engine.addresses import Address
from pants.engine.fs import Digest, DigestSubset, PathGlobs
from pants.engine.platform import Platform
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.configuration.config import PyOxidizerPython, PythonArchive
from pants_pyoxidizer.engine import (
    EnvironmentTarget,
    collect_rules,
    concurrently,
    digest_subset_to_digest,
    execute_process,
    get_digest_contents,
    implicitly,
    rule,
    setup_pex_cli_process,
)
from pants_pyoxidizer.util_rules.host_links import HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process

# Newest first: it gets security fixes for the longest time.
HOST_VERSIONS = ("3.13", "3.12", "3.11", "3.10", "3.9")
# Pex finds those Pythons, and resolves wheels for those, that it knows. That of Pants 2.17 does not
# know these; this one does, which was tried with both.
NEEDING_NEWER_PEX = ("3.13", "3.12")
NEWER_PEX = "2.20.4"
# What PyOxidizer 0.24 downloads (`default_python_distribution()` in its manual).
PYOXIDIZER_VERSIONS = FrozenDict({"3.10": "3.10.9", "3.9": "3.9.16", "3.8": "3.8.16"})

ARCHIVE = "python.tar.zst"
REPORT = "python.json"

TARGET_TRIPLES = FrozenDict(
    {
        Platform.linux_x86_64: "x86_64-unknown-linux-gnu",
        Platform.linux_arm64: "aarch64-unknown-linux-gnu",
        Platform.macos_x86_64: "x86_64-apple-darwin",
        Platform.macos_arm64: "aarch64-apple-darwin",
    }
)


class NoUsablePythonError(Exception):
    """No Python that could be embedded is allowed, or there."""


@dataclass(frozen=True)
class StandalonePythonRequest:
    address: Address  # The target that it is for; for errors.
    interpreter_constraints: InterpreterConstraints
    python: str | None = None  # The target's own choice.


@dataclass(frozen=True)
class ArchivedPythonRequest:
    """For the Python of a `standalone_python` target (see `archived_python`)."""

    address: Address  # As above.
    interpreter_constraints: InterpreterConstraints
    python: str  # Its address, as it was written.
    origin: str  # Where that was, for errors.
    relative_to: str | None


@dataclass(frozen=True)
class StandalonePython:
    """The Python to embed.

    `digest` holds its archive, unless PyOxidizer downloads it. `description` says, for users,
    what it is and where the result runs. `interpreter` is a link to one of the same minor version on
    this machine, for processes that have LINKS_CACHE; none is known where PyOxidizer downloads it.
    """

    python: PythonArchive | PyOxidizerPython
    version: str  # As in "3.11.7".
    target_triple: str
    digest: Digest
    description: str
    interpreter: str | None = None
    is_archived: bool = False  # It comes from a `standalone_python` target.

    @property
    def constraint(self) -> InterpreterConstraints:
        """For the Python of this machine that resolves wheels for it."""
        if isinstance(self.python, PythonArchive) and not self.is_archived:
            return InterpreterConstraints([f"CPython=={self.version}"])
        # That very patch version need not be here; wheels suit all of a minor version.
        return InterpreterConstraints([f"CPython=={self.python.minor_version}.*"])

    @property
    def cache_key(self) -> str:
        """A folder name that no other Python has."""
        if isinstance(self.python, PythonArchive):
            return self.python.sha256[:16]
        return f"pyoxidizer-{self.version}"


@dataclass(frozen=True)
class HostPythonRequest:
    interpreter_constraints: InterpreterConstraints


@dataclass(frozen=True)
class HostPython:
    """A CPython of this machine. The fingerprint changes with the files that are packed."""

    path: str | None
    fingerprint: str
    problem: str


@dataclass(frozen=True)
class PackedPythonRequest:
    path: str
    fingerprint: str


@dataclass(frozen=True)
class PackedPython:
    python: StandalonePython | None
    problem: str


# Prints the interpreter, and a hash of all that is packed of it: development files and modules of the
# standard library may come later than the interpreter, in packages of their own.
_FINGERPRINT_PROGRAM = dedent(
    """\
    import functools, hashlib, os, sys, sysconfig

    @functools.lru_cache(None)
    def digest(path):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    not_packed = {"__pycache__", "site-packages", "dist-packages", "test"}
    executable = os.path.realpath(sys.executable)
    paths = {"executable": executable, "pyconfig.h": sysconfig.get_config_h_filename()}
    for folder in ("LIBPL", "LIBDIR"):
        for library in ("LIBRARY", "LDLIBRARY", "INSTSONAME"):
            parts = [sysconfig.get_config_var(folder), sysconfig.get_config_var(library)]
            if all(parts):
                paths[f"{folder}/{library}"] = os.path.join(*parts)
    for what in ("stdlib", "platstdlib", "include"):
        root = sysconfig.get_path(what)
        for folder, folders, names in os.walk(root, followlinks=True):
            folders[:] = [name for name in folders if name not in not_packed]
            for name in names:
                path = os.path.join(folder, name)
                paths[f"{what}/{os.path.relpath(path, root)}"] = path
    hasher = hashlib.sha256(sys.version.encode())
    for name, path in sorted(paths.items()):
        if os.path.isfile(path):
            # Mostly, `stdlib` and `platstdlib` are one folder, so each file is read once.
            hasher.update(f"{name}\\0{digest(path)}\\n".encode("utf-8", "surrogateescape"))
    print(executable)
    print(hasher.hexdigest())
    """
)


def narrow(
    constraints: InterpreterConstraints, minor_version: str
) -> InterpreterConstraints | None:
    """The part of `constraints` (empty: anything) that lies within `minor_version`, if any."""
    only = InterpreterConstraints([f"CPython=={minor_version}.*"])
    try:
        narrowed = InterpreterConstraints.merge((constraints, only)) if constraints else only
        narrowed.enumerate_python_versions([minor_version])
    except ValueError:  # They have nothing in common, which either call may notice.
        return None
    return narrowed


@rule(level=LogLevel.DEBUG)
async def find_host_python(request: HostPythonRequest, env_target: EnvironmentTarget) -> HostPython:
    process = await setup_pex_cli_process(
        PexCliProcess(
            subcommand=(),
            extra_args=(
                *request.interpreter_constraints.generate_pex_arg_list(),
                "--",
                "-c",
                _FINGERPRINT_PROGRAM,
            ),
            description=f"Find a Python to embed: {request.interpreter_constraints}",
            level=LogLevel.DEBUG,
            cache_scope=env_target.executable_search_path_cache_scope(cache_failures=True),
        ),
        **implicitly(),
    )
    result = await execute_process(process, **implicitly())
    if result.exit_code != 0:
        return HostPython(None, "", f"{request.interpreter_constraints}: none found")
    path, fingerprint = result.stdout.decode().split("\n")[:2]
    return HostPython(path, fingerprint, "")


async def run_packing(request: ToolProcess, name: str) -> PackedPython:
    """A part of rules, which must be defined later. The program writes ARCHIVE and REPORT, or says
    why not. `name` is what users call the Python."""
    process = await set_up_tool_process(request, **implicitly())
    result = await execute_process(process, **implicitly())
    if result.exit_code != 0:
        return PackedPython(None, result.stderr.decode(errors="replace").strip())
    archive, report_digest = await concurrently(
        digest_subset_to_digest(DigestSubset(result.output_digest, PathGlobs([ARCHIVE]))),
        digest_subset_to_digest(DigestSubset(result.output_digest, PathGlobs([REPORT]))),
    )
    (report_file,) = await get_digest_contents(report_digest)
    report = json.loads(report_file.content)
    minor_version = ".".join(report["version"].split(".")[:2])
    return PackedPython(
        StandalonePython(
            PythonArchive(ARCHIVE, report["sha256"], minor_version),
            version=report["version"],
            target_triple=report["target_triple"],
            digest=archive,
            description=describe(report, name),
        ),
        "",
    )


@rule(level=LogLevel.DEBUG)
async def pack_host_python(request: PackedPythonRequest) -> PackedPython:
    link = await make_host_link(
        HostLinkRequest(request.path, request.fingerprint, what="The Python to embed"),
        **implicitly(),
    )
    packing = ToolProcess(
        program="pack.pack_cpython",
        argv=("--python", link.path, "--output", ARCHIVE, "--report", REPORT),
        description=f"Pack {request.path} for PyOxidizer",
        output_files=(ARCHIVE, REPORT),
        level=LogLevel.INFO,
        is_slow=True,
    )
    packed = await run_packing(packing, request.path)
    if packed.python is None:
        return packed
    return PackedPython(dataclasses.replace(packed.python, interpreter=link.path), "")


def describe(report: dict[str, Any], name: str) -> str:
    """One sentence on a packed interpreter, from the report of the program that packed it."""
    runs_on = f"; it runs with glibc {report['glibc']} or newer" if report["glibc"] else ""
    return f"Python {report['version']} ({name}, {report['link_mode']}) is inside{runs_on}."


def pex_problem(python_version: str, pex_version: str) -> str:
    """Why a Python may be there and not be found, if that may be why."""
    number = pex_version.lstrip("v")
    if python_version not in NEEDING_NEWER_PEX or Version(number) >= Version(NEWER_PEX):
        return ""
    return (
        f" by Pex {number}, which may be too old for it (to fix, set `[pex-cli].version` to"
        f" `v{NEWER_PEX}` or newer)"
    )


def rules() -> Iterable[Any]:
    return collect_rules()

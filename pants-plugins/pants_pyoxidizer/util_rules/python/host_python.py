# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds a CPython on this machine, and packs it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Iterable

from packaging.version import Version
from pants.backend.python.util_rules.interpreter_constraints import (
    InterpreterConstraints,
)
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import (
    EnvironmentTarget,
    collect_rules,
    execute_process,
    implicitly,
    rule,
    setup_pex_cli_process,
)
from pants_pyoxidizer.util_rules.host_links import HostLinkRequest, make_host_link
from pants_pyoxidizer.util_rules.python.packing import PackingRequest, run_packing
from pants_pyoxidizer.util_rules.python.standalone_python import (
    HostPython,
    minor_version_constraints,
)

# Newest first: it gets security fixes the longest.
HOST_VERSIONS = ("3.13", "3.12", "3.11", "3.10", "3.9")
# Pex finds, and resolves wheels for, only Pythons that it knows. The Pex of Pants 2.17 does not
# know these; NEWER_PEX was tested with both.
NEEDING_NEWER_PEX = ("3.13", "3.12")
NEWER_PEX = "2.20.4"


@dataclass(frozen=True)
class FindPythonRequest:
    interpreter_constraints: InterpreterConstraints


@dataclass(frozen=True)
class FoundPython:
    """A CPython on this machine. The fingerprint covers the files that are packed."""

    path: str | None
    fingerprint: str
    problem: str


@dataclass(frozen=True)
class PackHostPythonRequest:
    path: str
    fingerprint: str


@dataclass(frozen=True)
class PackedHostPython:
    """A packed Python, or the reason why it cannot be packed."""

    python: HostPython | None
    problem: str = ""


# Prints the interpreter's path, and a hash of all files that are packed: Linux distributions have
# separate packages for development files and parts of the standard library.
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
            # Cached, because `stdlib` and `platstdlib` are usually the same folder.
            hasher.update(f"{name}\\0{digest(path)}\\n".encode("utf-8", "surrogateescape"))
    print(executable)
    print(hasher.hexdigest())
    """
)


def narrow(
    constraints: InterpreterConstraints, minor_version: str
) -> InterpreterConstraints | None:
    """`constraints` (empty: any version) limited to `minor_version`; None if it is excluded."""
    only = minor_version_constraints(minor_version)
    try:
        narrowed = InterpreterConstraints.merge((constraints, only)) if constraints else only
        narrowed.enumerate_python_versions([minor_version])
    except ValueError:  # They do not overlap, which either call may detect.
        return None
    return narrowed


@rule(level=LogLevel.DEBUG)
async def find_host_python(
    request: FindPythonRequest, env_target: EnvironmentTarget
) -> FoundPython:
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
        return FoundPython(None, "", f"{request.interpreter_constraints}: none found")
    path, fingerprint = result.stdout.decode().split("\n")[:2]
    return FoundPython(path, fingerprint, "")


@rule(level=LogLevel.DEBUG)
async def pack_host_python(request: PackHostPythonRequest) -> PackedHostPython:
    link = await make_host_link(
        HostLinkRequest(request.path, request.fingerprint, what="The Python to embed"),
        **implicitly(),
    )
    packing = PackingRequest(
        program="pack.pack_cpython",
        argv=("--python", link.path),
        description=f"Pack {request.path} for PyOxidizer",
        name=request.path,
    )
    packed = await run_packing(packing, **implicitly())
    if packed.python is None:
        return PackedHostPython(None, packed.problem)
    return PackedHostPython(HostPython(**vars(packed.python), host_python=link.path))


def pex_problem(python_version: str, pex_version: str) -> str:
    """A hint that Pex may be too old to find this Python; empty if it is not."""
    number = pex_version.lstrip("v")
    if python_version not in NEEDING_NEWER_PEX or Version(number) >= Version(NEWER_PEX):
        return ""
    return (
        f" by Pex {number}, which may be too old for it (to fix, set `[pex-cli].version` to"
        f" `v{NEWER_PEX}` or newer)"
    )


def rules() -> Iterable[Any]:
    return collect_rules()

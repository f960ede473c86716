# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the Rust toolchain that compiles binaries."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Iterable, Mapping

from pants.core.util_rules.system_binaries import (
    BinaryNotFoundError,
    BinaryPathRequest,
)
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.process import Process, ProcessCacheScope
from pants.util.logging import LogLevel
from pants.util.strutil import bullet_list, softwrap

from pants_pyoxidizer.engine import (
    EnvironmentTarget,
    collect_rules,
    concurrently,
    environment_vars_subset,
    execute_process,
    find_binary,
    implicitly,
    rule,
)
from pants_pyoxidizer.subsystem import SCOPE, PyOxidizer, RustSource
from pants_pyoxidizer.util_rules.host_links import HostLinkRequest, make_host_link

logger = logging.getLogger(__name__)

MINIMUM_VERSION = (1, 62, 1)  # PyOxidizer 0.24 requires it.
MANAGED_VERSION = "1.66.0"  # PyOxidizer 0.24 downloads it.

# rustup's proxies read these to find their toolchain.
_RUSTUP_ENV_VARS = ("HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN")


@dataclass(frozen=True)
class SystemRust:
    """A toolchain with the real `cargo` and `rustc`, not rustup's proxies, which need a HOME."""

    sysroot: str  # A host link, relative to the sandbox.
    fingerprint: str  # The version output of both.


@dataclass(frozen=True)
class RustToolchain:
    system: SystemRust | None  # None: PyOxidizer downloads Rust.


@dataclass(frozen=True)
class RustcProbeRequest:
    path: str


@dataclass(frozen=True)
class RustcProbe:
    """The toolchain of a `rustc`, or the reason why it cannot be used."""

    path: str
    sysroot: str | None
    fingerprint: str
    problem: str


def parse_release(version_output: str) -> tuple[int, int, int] | None:
    """The version in the output of `rustc --version --verbose`."""
    match = re.search(r"^release: (\d+)\.(\d+)\.(\d+)", version_output, re.MULTILINE)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def rustup_homes(rustc: str, env: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """Environments in which `rustc`, if it is a rustup proxy, may find its toolchain.

    The second is for a HOME other than the one that Rust was installed in: `.rustup` is a sibling
    of `.cargo`, whose `bin` has the proxies.
    """
    rustup_home = str(PurePath(rustc).parent.parent.parent / ".rustup")
    return (dict(env), {**env, "RUSTUP_HOME": rustup_home})


@rule(level=LogLevel.DEBUG)
async def probe_rustc(request: RustcProbeRequest, env_target: EnvironmentTarget) -> RustcProbe:
    cache_scope = env_target.executable_search_path_cache_scope(cache_failures=True)
    env = await environment_vars_subset(EnvironmentVarsRequest(_RUSTUP_ENV_VARS), **implicitly())
    sysroots = await concurrently(
        execute_process(
            Process(
                (request.path, "--print", "sysroot"),
                env=rustup_env,
                description=f"Find the Rust toolchain of {request.path}",
                level=LogLevel.DEBUG,
                cache_scope=cache_scope,
            ),
            **implicitly(),
        )
        for rustup_env in rustup_homes(request.path, env)
    )
    sysroot = next((r.stdout.decode().strip() for r in sysroots if r.exit_code == 0), None)
    if sysroot is None:
        reason = sysroots[0].stderr.decode(errors="replace").strip()
        return RustcProbe(request.path, None, "", f"failed with: {reason}")

    rustc, cargo = os.path.join(sysroot, "bin", "rustc"), os.path.join(sysroot, "bin", "cargo")
    versions = await concurrently(
        execute_process(_version_process(path, cache_scope), **implicitly())
        for path in (rustc, cargo)
    )
    for path, version in zip((rustc, cargo), versions):
        if version.exit_code != 0:
            return RustcProbe(request.path, None, "", f"{path} cannot be run")
    fingerprint = "\n".join(version.stdout.decode().strip() for version in versions)
    release = parse_release(fingerprint)
    if release is None or release < MINIMUM_VERSION:
        version_line = fingerprint.splitlines()[0]
        return RustcProbe(request.path, None, "", f"unsupported version: {version_line}")
    return RustcProbe(request.path, sysroot, fingerprint, "")


def _version_process(path: str, cache_scope: ProcessCacheScope) -> Process:
    # A shell reports "not found" by its exit status; without a shell, Pants would raise.
    return Process(
        ("/bin/sh", "-c", 'exec "$0" --version --verbose', path),
        description=f"Find the version of {path}",
        level=LogLevel.DEBUG,
        cache_scope=cache_scope,
    )


@rule(desc="Find Rust", level=LogLevel.DEBUG)
async def find_rust_toolchain(
    pyoxidizer: PyOxidizer, environment_aware: PyOxidizer.EnvironmentAware
) -> RustToolchain:
    if pyoxidizer.rust == RustSource.MANAGED:
        return RustToolchain(None)
    search_path = environment_aware.rust_search_path
    rustcs = await find_binary(
        BinaryPathRequest(binary_name="rustc", search_path=search_path), **implicitly()
    )
    probes = await concurrently(
        probe_rustc(RustcProbeRequest(path.path), **implicitly()) for path in rustcs.paths
    )
    for probe in probes:
        if probe.sysroot is not None:
            link = await make_host_link(
                HostLinkRequest(probe.sysroot, probe.fingerprint, what="The Rust toolchain"),
                **implicitly(),
            )
            return RustToolchain(SystemRust(link.path, probe.fingerprint))
    problem = describe_problem(search_path, probes)
    if pyoxidizer.rust == RustSource.SYSTEM:
        raise BinaryNotFoundError(problem)
    logger.info(f"{problem}\n\nUntil then, PyOxidizer downloads its own Rust.")
    return RustToolchain(None)


def describe_problem(search_path: Iterable[str], probes: Iterable[RustcProbe]) -> str:
    minimum = ".".join(map(str, MINIMUM_VERSION))
    problems = [f"{probe.path}: {probe.problem}" for probe in probes]
    return (
        softwrap(
            f"""
        Building a PyOxidizer binary requires Rust {minimum} or newer, but no usable `rustc` is in
        {os.pathsep.join(search_path) or "the search path, which is empty"}.
        """
        )
        + (f"\n\nFound, but unusable:\n\n{bullet_list(problems)}" if problems else "")
        + "\n\n"
        + softwrap(
            f"""
        To fix, install Rust with `rustup` or your system's packages, or set
        `[{SCOPE}].rust_search_path` to the folder that contains `rustc`.
        """
        )
    )


def rules() -> Iterable[Any]:
    return collect_rules()

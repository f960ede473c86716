# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Symlinks to files of this machine, with the same names on every machine.

If its arguments contained a path of this machine, a process would have another cache key on other
machines, which could not share its result. So they contain the path of a symlink in a named cache.
The name of the symlink is a hash of a fingerprint that identifies the version of its target.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.process import Process, ProcessCacheScope
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import collect_rules, execute_process, implicitly, rule

LINKS_DIR = ".cache/pyoxidizer_links"
LINKS_CACHE: FrozenDict[str, str] = FrozenDict(pyoxidizer_links=LINKS_DIR)

_MAKE_LINK = """\
[ -e "$2" ] || exit 3
[ "$(readlink "$1")" = "$2" ] || ln -sfn "$2" "$1"
"""


_MISSING = 3


class HostFileError(Exception):
    """A link cannot be made; usually, its target does not exist."""


@dataclass(frozen=True)
class HostLinkRequest:
    path: str
    fingerprint: str  # Equal for interchangeable targets.
    what: str = dataclasses.field(compare=False)  # For errors; for example, "The toolchain".


@dataclass(frozen=True)
class HostLink:
    """A link for processes that mount LINKS_CACHE."""

    path: str  # Relative to the sandbox.


def link_path(fingerprint: str) -> str:
    return f"{LINKS_DIR}/{hashlib.sha256(fingerprint.encode()).hexdigest()[:32]}"


@rule
async def make_host_link(request: HostLinkRequest) -> HostLink:
    path = link_path(request.fingerprint)
    result = await execute_process(
        Process(
            ("/bin/sh", "-c", _MAKE_LINK, "sh", path, request.path),
            env={"PATH": "/usr/bin:/bin"},
            append_only_caches=LINKS_CACHE,
            description=f"Link to {request.path}",
            level=LogLevel.DEBUG,
            # Valid on this machine only. Per session, it would add 0.1 s to a no-op build.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        ),
        **implicitly(),
    )
    if result.exit_code != 0:
        reason = "it does not exist" if result.exit_code == _MISSING else result.stderr.decode()
        raise HostFileError(f"{request.what}, {request.path}, cannot be used: {reason.strip()}.")
    return HostLink(path)


def rules() -> Iterable[Any]:
    return collect_rules()

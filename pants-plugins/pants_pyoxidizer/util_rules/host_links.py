# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What lies on this machine, by names that are the same on another machine.

A process that names a path of this machine is another process on another machine, and what either
has done is of no use to the other. So it names a symlink in a named cache, and the symlink is called
by what tells one version of what it leads to from another.
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
    """What a link shall lead to is not there."""


@dataclass(frozen=True)
class HostLinkRequest:
    path: str
    fingerprint: str  # The same for what serves as well.
    what: str = dataclasses.field(compare=False)  # For the user to see, as "The toolchain".


@dataclass(frozen=True)
class HostLink:
    """For processes that have LINKS_CACHE."""

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
            # Of this machine alone. In each session, it would cost a build that changes nothing 0.1 s.
            cache_scope=ProcessCacheScope.PER_RESTART_SUCCESSFUL,
        ),
        **implicitly(),
    )
    if result.exit_code != 0:
        reason = "it is not there" if result.exit_code == _MISSING else result.stderr.decode()
        raise HostFileError(f"{request.what}, {request.path}, cannot be used: {reason.strip()}.")
    return HostLink(path)


def rules() -> Iterable[Any]:
    return collect_rules()

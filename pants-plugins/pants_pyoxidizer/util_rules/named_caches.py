# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Checks that Pants does not treat its named caches as part of the repository."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable

from pants.base.build_root import BuildRoot
from pants.engine.fs import EMPTY_DIGEST, PathGlobs
from pants.engine.process import Process, ProcessCacheScope
from pants.option.global_options import GlobalOptions
from pants.util.logging import LogLevel
from pants.util.strutil import softwrap

from pants_pyoxidizer.engine import (
    collect_rules,
    execute_process_or_raise,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_pyoxidizer.util_rules.host_links import LINKS_CACHE


class NamedCachesError(Exception):
    """Pants would read its named caches as files of the repository."""


@dataclass(frozen=True)
class UsableNamedCaches:
    """Pants does not look for sources in its named caches."""


@rule
async def check_named_caches(
    global_options: GlobalOptions, build_root: BuildRoot
) -> UsableNamedCaches:
    # Named caches hold absolute symlinks, both Pants' own and ours. Pants fails on any of them that it
    # finds in the repository, in all later runs, even when it only lists targets.
    folder = str(global_options.named_caches_dir)
    below = os.path.relpath(folder, os.path.realpath(build_root.path))
    if below.startswith(".."):
        return UsableNamedCaches()
    # Pants creates the folder for the first process that uses the cache.
    process = Process(
        ("/bin/sh", "-c", ":"),
        append_only_caches=LINKS_CACHE,
        description=f"Make {folder}",
        level=LogLevel.DEBUG,
        cache_scope=ProcessCacheScope.PER_SESSION,
    )
    await execute_process_or_raise(**implicitly({process: Process}))
    found = [os.path.normpath(f"{below}/{cache}") for cache in LINKS_CACHE]
    if await path_globs_to_digest(PathGlobs(found)) != EMPTY_DIGEST:
        raise NamedCachesError(
            softwrap(
                f"""
                `[GLOBAL].named_caches_dir` is {folder}, a folder of this repository that Pants does
                not ignore, so Pants would fail on the symbolic links in it. To fix, add
                `/{below}/` to `[GLOBAL].pants_ignore` or `.gitignore`.
                """
            )
        )
    return UsableNamedCaches()


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Binaries with many real distributions, which a lockfile pins for all Pythons."""

from __future__ import annotations

import json
import subprocess

from integration.repository import Repository
from pants_pyoxidizer.util_rules.python.host_python import HOST_VERSIONS


def package_locked(
    repository: Repository, version: str, lockfile: str, *args: str
) -> subprocess.CompletedProcess[str]:
    """`pants package` of targets, with options before them; the Python `version` goes in.

    `lockfile` is relative to the repository.
    """
    # Any Python can build the program's own wheels; the newest one goes in.
    newest = f"3.{int(version.partition('.')[2]) + 1}"
    result = repository.succeed(
        "--no-pantsd",
        f'--python-interpreter-constraints=["CPython>=3.9,<{newest}"]',
        f"--python-interpreter-versions-universe={json.dumps(HOST_VERSIONS)}",
        "--python-pip-version=latest",
        # Its hashes are checked, which they are not where it is the source of `python_requirements`.
        "--python-enable-resolves",
        f"--python-resolves={json.dumps({'python-default': lockfile})}",
        "--python-invalid-lockfile-behavior=ignore",
        *args,
    )
    assert f"\nContains Python {version}." in result.stderr
    return result

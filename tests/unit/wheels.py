# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Wheels for tests: what is known about one, and the file itself."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Mapping

from pants_pyoxidizer.programs.wheels.wheel_content import describe_content
from pants_pyoxidizer.wheels.metadata import Wheel


def wheel(
    name: str,
    version: str = "1.0",
    *,
    files: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    tags: tuple[str, ...] = ("py3-none-any",),
    folder: str = "wheels/",
    **facts: Any,
) -> Wheel:
    """What `inspect_wheels` finds out about a wheel with these files; `facts` override it."""
    filename = facts.get("filename", f"{name.replace('-', '_')}-{version}-{tags[0]}.whl")
    known: dict[str, Any] = {
        "path": f"{folder}{filename}",
        "filename": filename,
        "name": name,
        "version": version,
        "requires_dist": requires,
        "requires_python": None,
        "provides_extra": (),
        "tags": tags,
        "root_is_purelib": True,
        "sha256": "",
        "record_sha256": "",
        "file_uses": (),
    }
    content = describe_content(files)
    for key, value in content.items():
        known[key] = tuple(value) if isinstance(value, list) else value
    return Wheel(**{**known, **facts})


def write_wheel(
    path: Path, files: Mapping[str, str | bytes], *, executable: tuple[str, ...] = ()
) -> Path:
    """Write a wheel file; those of its members that are `executable` have such a mode."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(member, content)
    return path

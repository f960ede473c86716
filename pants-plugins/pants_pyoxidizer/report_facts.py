# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The components of an SBOM, and checksum files as text.

Pure: no engine, no files. `programs/report/make_sbom.py` writes the SBOM.
"""

from __future__ import annotations

from typing import Any, Mapping

from pants_pyoxidizer.wheels.metadata import Wheel

# Keys of a component: "name" and "type" (a CycloneDX component type) always, and optionally
# - "version" and "sha256";
# - "purl_type": the type of the package URL, which is made from name and version;
# - "cpe": its identifier in vulnerability databases;
# - "optional": whether it may be missing from the executable;
# - "ref": a unique identifier, if there is no package URL;
# - "properties": facts for which CycloneDX has no field.
Component = Mapping[str, Any]


def executable(name: str, sha256: str) -> Component:
    return {"type": "application", "name": name, "sha256": sha256, "ref": "executable"}


def wheel(wheel: Wheel, *, is_first_party: bool) -> Component:
    component = {
        "type": "library",
        "name": wheel.normalized_name,
        "version": wheel.version,
        # PyPI may have an unrelated distribution of the same name.
        "purl_type": "generic" if is_first_party else "pypi",
        "ref": f"wheel:{wheel.filename}",
        "properties": {"file": wheel.filename, "record-sha256": wheel.record_sha256},
    }
    # First-party wheel files contain build times, so their hashes are not reproducible.
    return component if is_first_party else {**component, "sha256": wheel.sha256}


def crate(name: str, version: str, checksum: str, optional: bool) -> Component:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl_type": "cargo",
        "sha256": checksum,
        "optional": optional,
    }


def python(version: str, archive_sha256: str | None) -> Component:
    return {
        "type": "platform",
        "name": "python",
        "version": version,
        "purl_type": "generic",
        "cpe": f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
        "sha256": archive_sha256,
    }


def rust(version: str) -> Component:
    """The Rust whose standard library is linked into the executable."""
    return {"type": "platform", "name": "rust", "version": version, "purl_type": "generic"}


def pyoxidizer(version: str) -> Component:
    return {"type": "application", "name": "pyoxidizer", "version": version, "purl_type": "pypi"}


def library(name: str, origin: str) -> Component:
    """`origin`: "system" if the target machine must provide it, "static" if it is linked in."""
    properties = {"origin": origin}
    return {"type": "library", "name": name, "ref": f"{origin}:{name}", "properties": properties}


def checksums(sha256_by_path: Mapping[str, str]) -> str:
    """The input of `sha256sum --check`."""
    return "".join(_checksum_line(path, sha256_by_path[path]) for path in sorted(sha256_by_path))


def _checksum_line(path: str, sha256: str) -> str:
    # A leading backslash marks a line whose file name is escaped.
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != path else ''}{sha256}  {escaped}\n"

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What an SBOM says of an executable, and checksums of files, as text.

Pure: no engine, no files. `programs/make_sbom.py` writes the SBOM.
"""

from __future__ import annotations

from typing import Any, Mapping

from pants_pyoxidizer.wheels.metadata import Wheel

# A component is a dictionary with the "name", and, where it has them, with its "version" and
# "sha256", and with
# - "type": of CycloneDX's;
# - "purl_type": by which a package URL is made of name and version;
# - "cpe": by which databases of vulnerabilities know it;
# - "optional": whether it may also have been left out;
# - "ref": what tells it from others, if there is no package URL;
# - "properties": what CycloneDX has no word for.
Component = Mapping[str, Any]


def executable(name: str, sha256: str) -> Component:
    return {"type": "application", "name": name, "sha256": sha256, "ref": "executable"}


def wheel(wheel: Wheel, *, is_first_party: bool) -> Component:
    component = {
        "type": "library",
        "name": wheel.normalized_name,
        "version": wheel.version,
        # A distribution of the repository is not the one that PyPI may have by this name.
        "purl_type": "generic" if is_first_party else "pypi",
        "ref": f"wheel:{wheel.filename}",
        "properties": {"file": wheel.filename, "record-sha256": wheel.record_sha256},
    }
    # Pants' rules write the times of the build into the files of the former.
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
    """Its standard library goes in."""
    return {"type": "platform", "name": "rust", "version": version, "purl_type": "generic"}


def pyoxidizer(version: str) -> Component:
    return {"type": "application", "name": "pyoxidizer", "version": version, "purl_type": "pypi"}


def library(name: str, origin: str) -> Component:
    """`origin` is "system" for what the machine must have that runs it, "static" for what is in."""
    properties = {"origin": origin}
    return {"type": "library", "name": name, "ref": f"{origin}:{name}", "properties": properties}


def checksums(sha256_by_path: Mapping[str, str]) -> str:
    """What `sha256sum --check` reads."""
    return "".join(_checksum_line(path, sha256_by_path[path]) for path in sorted(sha256_by_path))


def _checksum_line(path: str, sha256: str) -> str:
    # A line that begins with a backslash has a name with escapes.
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != path else ''}{sha256}  {escaped}\n"

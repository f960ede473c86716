# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Describes wheel files as JSON.

usage: wheels.inspect_wheels --output wheels.json WHEEL...

Pants runs this program in a cached process. So it needs only the standard library of Python 3.8 or
newer, and the output depends only on the wheels: objects in the order of the arguments, keys and
lists sorted.

Sources: PEP 427 (the wheel's layout and file name), PEP 425 (tags), PEP 566 (METADATA).

For a wheel that breaks their rules, it prints one sentence on stderr and exits with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import re
import struct
import sys
import zipfile
import zlib
from email.message import Message
from email.parser import HeaderParser
from typing import IO, Any, Iterable, Sequence

from .file_uses import find_uses
from .wheel_content import (
    SCRIPT,
    describe_content,
    is_init,
    module_name,
    site_packages_path,
    stays_inside,
)

# METADATA holds at most a README. A larger one is a zip bomb or an accident.
MAX_METADATA_BYTES = 64 * 1024 * 1024

# What `zipfile` raises for archives that are damaged, encrypted, or compressed with a method that
# this Python lacks.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

# ELF, and Mach-O of 64 bits and of several architectures.
PROGRAM_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class BrokenWheel(Exception):
    """A wheel that breaks the rules; the message completes "The wheel 'x.whl' is broken: "."""


def describe_wheel(path: str) -> dict[str, Any]:
    """One wheel as a JSON object.

    Keys: "path" (as given), "filename", "name" and "version" (as METADATA spells them),
    "requires_dist" (in METADATA's order), "requires_python" (or None), "provides_extra", "tags"
    (each like "py3-none-any"), "root_is_purelib", "sha256" (of the file, in hex),
    "record_sha256" (of its RECORD, which has the hashes of all its files), "file_uses", and what
    `wheel_content.describe_content` gives.

    Raises:
        BrokenWheel: when the file is no sound wheel.
    """
    filename = os.path.basename(path)
    name_parts = parse_filename(filename)
    try:
        with open(path, "rb") as file:
            sha256 = hash_file(file)
            with zipfile.ZipFile(file) as archive:
                names = safe_names(archive.infolist())
                dist_info = find_dist_info(names, name_parts[0])
                require_once(names, f"{dist_info}/RECORD")
                with archive.open(f"{dist_info}/RECORD") as record:
                    record_sha256 = hash_file(record)
                metadata = read_headers(archive, names, f"{dist_info}/METADATA")
                wheel = read_headers(archive, names, f"{dist_info}/WHEEL")
                content = describe_content(names)
                content["native_files"] += programs(archive)
                file_uses = describe_file_uses(archive, content)
    except zipfile.BadZipFile as error:
        raise BrokenWheel(f"it is not a readable zip file ({error}).") from error
    except _ZIP_ERRORS as error:
        raise BrokenWheel(f"it cannot be read ({error}).") from error

    check_wheel_version(wheel)
    return {
        "path": path,
        "filename": filename,
        "name": required_value(metadata, "Name"),
        "version": required_value(metadata, "Version"),
        "requires_dist": header_values(metadata, "Requires-Dist"),
        "requires_python": next(iter(header_values(metadata, "Requires-Python")), None),
        "provides_extra": header_values(metadata, "Provides-Extra"),
        # The tag is required in WHEEL, but some tools forget it, and pip goes by the file name
        # only.
        "tags": expand_tags(header_values(wheel, "Tag") or ["-".join(name_parts[-3:])]),
        "root_is_purelib": required_value(wheel, "Root-Is-Purelib").lower() == "true",
        "sha256": sha256,
        "record_sha256": record_sha256,
        "file_uses": file_uses,
        **content,
    }


def programs(archive: zipfile.ZipFile) -> list[str]:
    """Scripts that are native executables, such as those of ruff or cmake."""
    found = []
    for info in archive.infolist():
        if SCRIPT.match(info.filename) and not info.is_dir():
            with archive.open(info) as file:
                if file.read(len(PROGRAM_MAGIC[0])) in PROGRAM_MAGIC:
                    found.append(info.filename)
    return sorted(found)


def describe_file_uses(archive: zipfile.ZipFile, content: dict[str, Any]) -> list[dict[str, Any]]:
    """What the modules of a wheel do with files, each thing once, with the first place.

    See `file_uses.Uses` for "kind", "what" and "needs"; "where" is like "pkg/mod.py:12".
    """
    modules = {*content["modules"], *content["namespaces"]}
    first: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        path = site_packages_path(info.filename) or ""
        module = module_name(path) if path.endswith(".py") else None
        if module:
            found = find_uses(archive.read(info), module, is_init(path), modules)
            for use in found.uses:
                first.setdefault((use.kind, use.what, found.needs), f"{path}:{use.line}")
    return [
        {"kind": kind, "what": what, "where": where, "needs": needs}
        for (kind, what, needs), where in first.items()
    ]


def parse_filename(filename: str) -> list[str]:
    """The five or six parts of `name-version(-build)?-python-abi-platform.whl` (PEP 427)."""
    stem, suffix = os.path.splitext(filename)
    parts = stem.split("-")
    if suffix != ".whl" or len(parts) not in (5, 6) or not all(parts):
        raise BrokenWheel(
            "its file name is not of the form `name-version(-build)-python-abi-platform.whl`."
        )
    return parts


def hash_file(file: IO[bytes]) -> str:
    """The SHA-256 of all of `file`, in hex."""
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


def safe_names(infos: Iterable[zipfile.ZipInfo]) -> list[str]:
    """The members' names.

    Raises:
        BrokenWheel: when one leads out of the folder that the wheel is unpacked to.
    """
    names = []
    for info in infos:
        name = info.filename
        path = name[:-1] if info.is_dir() else name
        if "\0" in info.orig_filename or not stays_inside(path):
            raise BrokenWheel(
                f"the name of its member {ascii(info.orig_filename)} is not a path inside it."
            )
        names.append(name)
    return names


def find_dist_info(names: Iterable[str], distribution: str) -> str:
    """The one `.dist-info` folder.

    As pip does, check that it belongs to the distribution of the file name.
    """
    folders = sorted({name.split("/")[0] for name in names if "/" in name})
    dist_infos = [folder for folder in folders if folder.endswith(".dist-info")]
    if not dist_infos:
        raise BrokenWheel("it has no `.dist-info` folder.")
    if len(dist_infos) > 1:
        raise BrokenWheel(f"it has {len(dist_infos)} `.dist-info` folders: {quote(dist_infos)}.")
    if not canonical_name(dist_infos[0]).startswith(canonical_name(distribution)):
        raise BrokenWheel(
            f"its folder {quote(dist_infos)} belongs to another distribution than its file name."
        )
    return dist_infos[0]


def canonical_name(name: str) -> str:
    """The spelling by which project names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def quote(names: Iterable[str]) -> str:
    """Names from a wheel, safe to print whatever characters they hold."""
    return ", ".join(map(ascii, names))


def require_once(names: Sequence[str], name: str) -> None:
    """Check for a required member. Of two with one name, tools disagree on which one to read."""
    count = names.count(name)
    if count != 1:
        raise BrokenWheel(f"it has {count or 'no'} {quote([name])}.")


def read_headers(archive: zipfile.ZipFile, names: Sequence[str], name: str) -> Message:
    """A member in the format of e-mail headers, in UTF-8."""
    require_once(names, name)
    if archive.getinfo(name).file_size > MAX_METADATA_BYTES:
        raise BrokenWheel(f"its {quote([name])} is larger than {MAX_METADATA_BYTES} bytes.")
    try:
        text = archive.read(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenWheel(f"its {quote([name])} is not valid UTF-8 ({error.reason}).") from error
    return HeaderParser().parsestr(text)


def header_values(headers: Message, field: str) -> list[str]:
    """All values of a field, each unfolded to one line."""
    return [" ".join(str(value).split()) for value in headers.get_all(field, [])]


def required_value(headers: Message, field: str) -> str:
    """The value of a required field."""
    values = header_values(headers, field)
    if not values or not values[0]:
        raise BrokenWheel(f"its metadata has no `{field}`.")
    return values[0]


def check_wheel_version(wheel: Message) -> None:
    """Refuse a format newer than 1.x, as PEP 427 asks of installers."""
    version = required_value(wheel, "Wheel-Version")
    if version.split(".")[0] != "1":
        raise BrokenWheel(f"its format {ascii(version)} is not known; only version 1 is.")


def expand_tags(tags: Iterable[str]) -> list[str]:
    """Each tag alone: `py2.py3-none-any` gives `py2-none-any` and `py3-none-any` (PEP 425)."""
    expanded: set[str] = set()
    for tag in tags:
        parts = tag.split("-")
        if len(parts) != 3:
            raise BrokenWheel(f"its tag {ascii(tag)} is not of the form `python-abi-platform`.")
        for python in parts[0].split("."):
            for abi in parts[1].split("."):
                expanded.update(f"{python}-{abi}-{platform}" for platform in parts[2].split("."))
    return sorted(expanded)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the JSON; returns the exit status."""
    parser = argparse.ArgumentParser(description="Describe wheel files as JSON.")
    parser.add_argument("--output", required=True, help="The JSON file to write.")
    parser.add_argument("wheels", nargs="*", metavar="WHEEL")
    options = parser.parse_args(arguments)
    descriptions = []
    for path in options.wheels:
        try:
            descriptions.append(describe_wheel(path))
        except BrokenWheel as error:
            print(f"The wheel {ascii(path)} is broken: {error}", file=sys.stderr)
            return 1
    with open(options.output, "w", encoding="ascii", newline="\n") as file:
        json.dump(descriptions, file, indent=2, sort_keys=True)
        file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

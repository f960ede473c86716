# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes wheels of the distributions in a Pex.

usage: wheels.repack_wheels --output DIR PEX

PEX is a folder in Pex's layout "packed". It has each distribution as a zip file of an installed
wheel, under the name of the wheel. To install a wheel, Pex moves scripts, headers and data to
`.prefix`, generates scripts from entry points and adds notes of its own; before 2.60, it also removes
RECORD. All this is undone here, so every Pex yields the same wheel (PEP 427), with one exception:
before 2.60.2, Pex merges `purelib` and `platlib`.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Collection, Iterable, Sequence

DISTRIBUTIONS = ".deps"
LAYOUT = ".layout.json"
PREFIX = ".prefix/"
HEADER = re.compile(r"include/site/python[^/]+/[^/]+/(?P<path>.+)")
# In the metadata, what an installer writes.
INSTALLED = ("INSTALLER", "RECORD", "REQUESTED")
# Equal distributions become equal wheels, whenever that is.
DATE = (1980, 1, 1, 0, 0, 0)


class LostFile(Exception):
    """Pex has lost a file of a wheel."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("pex", type=Path)
    options = parser.parse_args(argv)
    options.output.mkdir()
    # There are none if no requirement applies to the Python, by its marker.
    for path in sorted(options.pex.glob(f"{DISTRIBUTIONS}/*.whl")):
        try:
            write_wheel(path, options.output / path.name)
        except LostFile as error:
            print(f"The wheel {path.name} is incomplete: {error}", file=sys.stderr)
            return 1
    return 0


def write_wheel(path: Path, wheel: Path) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wheel, "w") as archive:
        members, metadata = wheel_members(source)
        # The metadata belongs at the end.
        for name in sorted(members, key=lambda name: (name.startswith(metadata), name)):
            content = source.read(members[name])
            write_member(archive, name, content, members[name].external_attr >> 16 & 0o111 != 0)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            rows.writerow((name, f"sha256={digest.decode().rstrip('=')}", len(content)))
        rows.writerow((f"{metadata}RECORD", "", ""))
        write_member(archive, f"{metadata}RECORD", text.getvalue().encode())


def write_member(
    archive: zipfile.ZipFile, name: str, content: bytes, is_executable: bool = False
) -> None:
    member = zipfile.ZipInfo(name, DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = (0o100755 if is_executable else 0o100644) << 16
    archive.writestr(member, content)


def wheel_members(source: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], str]:
    """The members that the wheel had, except RECORD, by their names in it, and the folder of the
    metadata, with a slash at the end.

    Raises:
        LostFile: if one is missing.
    """
    # Folders are of no use to wheels, and Pex 2.1 writes one called "../".
    files = {member.filename: member for member in source.infolist() if not member.is_dir()}
    metadata = dist_info(files)
    stem = metadata[: -len(".dist-info/")]
    data = f"{stem}.data/"
    dropped = {LAYOUT, *(f"{metadata}{name}" for name in INSTALLED)}
    entry_points = f"{metadata}entry_points.txt"
    if entry_points in files:
        scripts = script_names(source.read(entry_points).decode())
        dropped.update(f"{PREFIX}bin/{name}" for name in scripts)
    if f"{metadata}RECORD" in files:
        check_record(source.read(f"{metadata}RECORD").decode(), data)
    # Since 2.60.2, Pex does not merge what wheels keep apart.
    keeps_schemes = "sys_path_entries" in json.loads(source.read(LAYOUT))
    members = {}
    for name, member in files.items():
        if name in dropped or name.startswith(f"{stem}.pex-info/"):
            continue
        if name.startswith(PREFIX):
            name = f"{data}{scheme_path(name[len(PREFIX) :], keeps_schemes)}"
        members[name] = member
    return members, metadata


def dist_info(names: Iterable[str]) -> str:
    """The folder of the metadata, of which the name of a wheel's file tells only roughly."""
    folders = (name.partition("/") for name in names)
    (found,) = (
        folder
        for folder, _, rest in folders
        if folder.endswith(".dist-info") and rest == "METADATA"
    )
    return f"{found}/"


def check_record(record: str, data: str) -> None:
    """Check, by the RECORD of the installation, that Pex moved all files out of `.data`.

    Pex 2.60.2 to 2.105.2, the newest known, delete those in `.data/purelib` of a wheel whose root
    is `purelib` as well, although they are recorded; and so with `platlib`.

    Raises:
        LostFile: if there are such files.
    """
    for name, *_ in filter(None, csv.reader(record.splitlines())):
        if name.startswith(data):
            raise LostFile(
                f"Pex 2.60.2 and newer lose some files, here `{name}`. To fix, take a version of "
                "the distribution that has no such files, or set `[pex-cli].version` to that of an "
                "older Pex, such as `v2.59.5`."
            )


def script_names(entry_points: str) -> Collection[str]:
    """The scripts that installers generate, by the text of entry_points.txt."""
    parser = configparser.RawConfigParser(delimiters="=", strict=False)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(entry_points)
    sections = filter(parser.has_section, ("console_scripts", "gui_scripts"))
    return {name for section in sections for name in parser[section]}


def scheme_path(path: str, keeps_schemes: bool) -> str:
    """Where a wheel has, in its folder `.data`, what Pex has at this path in `.prefix`."""
    header = HEADER.fullmatch(path)
    if header:
        return f"headers/{header['path']}"
    if path.startswith("bin/"):
        return f"scripts/{path[len('bin/') :]}"
    return path if keeps_schemes else f"data/{path}"


if __name__ == "__main__":
    raise SystemExit(main())

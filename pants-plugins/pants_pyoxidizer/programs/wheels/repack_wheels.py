# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes wheels of the distributions in a Pex.

usage: wheels.repack_wheels --output DIR PEX

PEX is a folder, as Pex's layout "packed" is. The distributions in it are installed ones, each in a
zip file that is named like its wheel. All that they lack to be wheels is a RECORD (PEP 376, PEP
427), which Pex leaves out. What Pex adds stays: a note `.layout.json`, and scripts in `.prefix`.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Iterable, Sequence

DISTRIBUTIONS = ".deps"
# Equal distributions become equal wheels, whenever that is.
DATE = (1980, 1, 1, 0, 0, 0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("pex", type=Path)
    options = parser.parse_args(argv)
    options.output.mkdir()
    # There are none if no requirement applies to the Python, by its marker.
    for path in sorted(options.pex.glob(f"{DISTRIBUTIONS}/*.whl")):
        write_wheel(path, options.output / path.name)
    return 0


def write_wheel(path: Path, wheel: Path) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wheel, "w") as archive:
        # Folders are of no use to wheels, and Pex 2.1 writes one called "../".
        files = [entry for entry in source.infolist() if not entry.is_dir()]
        record = f"{dist_info(files)}/RECORD"
        # Newer Pex keep the one of the installed distribution, and note what was in the wheel.
        notes = record.replace(".dist-info/RECORD", ".pex-info/")
        files = [e for e in files if e.filename != record and not e.filename.startswith(notes)]
        for entry in files:
            content = source.read(entry)
            archive.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            rows.writerow((entry.filename, f"sha256={digest.decode().rstrip('=')}", len(content)))
        rows.writerow((record, "", ""))
        entry = zipfile.ZipInfo(record, DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, text.getvalue())


def dist_info(files: Iterable[zipfile.ZipInfo]) -> str:
    """The folder of the metadata, of which the name of a wheel's file tells only roughly."""
    folders = (entry.filename.partition("/") for entry in files)
    (found,) = (
        folder
        for folder, _, rest in folders
        if folder.endswith(".dist-info") and rest == "METADATA"
    )
    return found


if __name__ == "__main__":
    raise SystemExit(main())

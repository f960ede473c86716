# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Makes wheels of the distributions in a Pex.

usage: record_wheels.py --output DIR PEX

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
import shutil
import zipfile
from pathlib import Path
from typing import Sequence

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
        wheel = options.output / path.name
        shutil.copyfile(path, wheel)
        add_record(wheel)
    return 0


def add_record(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        files = sorted(name for name in archive.namelist() if not name.endswith("/"))
        # Its folder is that of METADATA: a name of a wheel's file tells it only roughly.
        (metadata,) = (
            name for name in files if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        )
        record = metadata.replace("METADATA", "RECORD")
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for name in files:
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            rows.writerow((name, f"sha256={digest.decode().rstrip('=')}", len(content)))
        rows.writerow((record, "", ""))
        entry = zipfile.ZipInfo(record, DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, text.getvalue())


if __name__ == "__main__":
    raise SystemExit(main())

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The plugin's own files, as input for sandboxes."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from pants.engine.fs import FileContent

_PACKAGE = Path(__file__).parent
# Executables, which have no suffix `.py`.
_SCRIPTS = ("cargo", "rustc_wrapper")


def read(path: str) -> bytes:
    """The content of a file, by its path relative to this package."""
    return (_PACKAGE / path).read_bytes()


def package_files(*folders: str) -> Iterator[FileContent]:
    """The code in these folders, with paths such as `pants_pyoxidizer/programs/__main__.py`."""
    roots = [_PACKAGE / "__init__.py", *(_PACKAGE / folder for folder in folders)]
    for root in roots:
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.suffix == ".py" or path.name in _SCRIPTS and path.is_file():
                yield FileContent(
                    path.relative_to(_PACKAGE.parent).as_posix(),
                    path.read_bytes(),
                    is_executable=path.name in _SCRIPTS,
                )

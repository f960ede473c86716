# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The files that go out inside the plugin."""

from __future__ import annotations

import pkgutil


def read(path: str) -> bytes:
    """The content of a file, by its path relative to this package.

    Raises:
        FileNotFoundError: when it is not there, as in a copy of the plugin that is not whole.
    """
    content = pkgutil.get_data("pants_pyoxidizer", path)
    if content is None:
        raise FileNotFoundError(path)
    return content

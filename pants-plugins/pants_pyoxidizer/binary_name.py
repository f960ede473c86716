# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The names that an executable may have: PyOxidizer gives the same name to a Rust crate."""

from __future__ import annotations

import re

_BINARY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
# Rust's keywords (https://doc.rust-lang.org/reference/keywords.html), names that cargo reserves,
# and the folder that PyOxidizer creates next to the executable.
_RESERVED_NAMES = frozenset(
    """
    Self abstract as async await become box break const continue crate do dyn else enum extern
    false final fn for if impl in let loop macro match mod move mut override priv pub ref return
    self static struct super trait true try type typeof unsafe unsized use virtual where while
    yield _
    build deps examples incremental test
    lib
    """.split()
)
CURE = (
    "use only ASCII letters, digits, `_` and `-`, start with a letter or `_`, and avoid words that "
    "Rust, cargo or PyOxidizer reserves, such as `test` or `lib`"
)


def is_binary_name(name: str) -> bool:
    return _BINARY_NAME.match(name) is not None and name not in _RESERVED_NAMES

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Python values as Starlark literals.

PyOxidizer parses its configuration with the `starlark` crate, whose string literals are Python's
(https://github.com/bazelbuild/starlark/blob/master/spec.md#string-literals), except for `\\x` and
`\\u` escapes, which differ between implementations. So only common escapes are written, and every
other character is written as it is, in UTF-8.
"""

from __future__ import annotations

from typing import Iterable

# Quotes and line breaks would end a literal; \n and \r are Starlark's only line breaks.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(value: str) -> str:
    """The inside of a string literal for `value`, safe between single or double quotes.

    Raises:
        ValueError: for a control character, which has no portable Starlark escape.
    """
    for character in value:
        if not character.isprintable() and character not in _ESCAPES:
            raise ValueError(f"{value!r} contains the control character {character!r}")
    return "".join(_ESCAPES.get(character, character) for character in value)


def string(value: str) -> str:
    """A double-quoted Starlark string literal, on one line."""
    return f'"{escape(value)}"'


def string_list(values: Iterable[str]) -> str:
    """A Starlark list of string literals, on one line."""
    return "[" + ", ".join(string(value) for value in values) + "]"

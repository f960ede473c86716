# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Decodes and renders templates of PyOxidizer configurations (`.bzlt`).

The syntax is that of `string.Template`: `$NAME`, `${NAME}`, and `$$` for a dollar sign. Unlike in
`safe_substitute()`, an unknown parameter is an error: a misspelled `$WHEEL` would otherwise reach
PyOxidizer, whose error names neither the template nor the fix.
"""

from __future__ import annotations

import difflib
import re
from typing import Mapping

# Not parameters of the template: PyOxidizer expands these when the binary starts.
PASSED_THROUGH = frozenset({"ORIGIN"})

# A dollar sign before anything else (`$1`, `$ `) is kept.
_PARAMETER = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<named>[A-Za-z_][A-Za-z0-9_]*))"
)


class TemplateError(ValueError):
    """A problem of a template: the line, if any, and the fix."""


def decode(content: bytes) -> str:
    """The text of a template file.

    Raises:
        TemplateError: if it is not UTF-8, or contains only whitespace and comments.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise TemplateError(
            f"line {line} is not UTF-8 text ({e.reason}). To fix, save it as UTF-8"
        ) from None
    if not any(line.split("#", 1)[0].strip() for line in text.splitlines()):
        raise TemplateError(
            "it is empty. To fix, remove the field; the goal `pyoxidizer-config` then prints a "
            "template to start from"
        )
    return text


def render(text: str, parameters: Mapping[str, str]) -> str:
    """Fill in `parameters` (name to Starlark source).

    A multi-line value gets the indentation of its parameter, if that begins the line, so that it
    stays inside the function that contains the parameter.

    Raises:
        TemplateError: for an unknown parameter.
    """

    # Comments are rendered too: `string.Template` does it, and existing templates may rely on it.
    def value_of(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name = match["braced"] or match["named"]
        if name in PASSED_THROUGH:
            return match[0]
        if name not in parameters:
            raise TemplateError(_unknown_parameter(text, match, name, parameters))
        line_start = text.rfind("\n", 0, match.start()) + 1
        before = text[line_start : match.start()]
        indentation = before if not before.strip() else ""
        return parameters[name].replace("\n", "\n" + indentation)

    return _PARAMETER.sub(value_of, text)


def line_numbers(text: str, parameters: Mapping[str, str]) -> tuple[int, ...]:
    """For each line of `render`'s result, the line of `text` that it comes from."""
    return tuple(
        number
        for number, line in enumerate(text.split("\n"), start=1)
        for _ in render(line, parameters).split("\n")
    )


def _unknown_parameter(
    text: str, match: re.Match[str], name: str, parameters: Mapping[str, str]
) -> str:
    line = text.count("\n", 0, match.start()) + 1
    nearest = difflib.get_close_matches(name.upper(), parameters, n=1)
    hint = f" Did you mean `${nearest[0]}`?" if nearest else ""
    known = ", ".join(f"${parameter}" for parameter in sorted(parameters))
    return (
        f"line {line} uses the unknown parameter `{match[0]}`.{hint} "
        f"The parameters are {known}; write `$$` for a dollar sign"
    )

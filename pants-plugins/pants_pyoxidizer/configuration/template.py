# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Templates of PyOxidizer configurations (`.bzlt`), and how their parameters are filled in.

The syntax is that of `string.Template`: `$NAME`, `${NAME}`, and `$$` for a dollar sign. Unlike
`safe_substitute()`, a parameter that does not exist is an error: a misspelt `$WHEEL` would
otherwise reach PyOxidizer, whose message names neither the template nor the cure.
"""

from __future__ import annotations

import difflib
import re
from typing import Mapping

# PyOxidizer itself expands these when the binary starts: they must pass through as they are.
PASSED_THROUGH = frozenset({"ORIGIN"})

# A dollar sign before anything else (`$1`, `$ `) is no parameter, and stays.
_PARAMETER = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<named>[A-Za-z_][A-Za-z0-9_]*))"
)


class TemplateError(ValueError):
    """What is wrong with a template, with the line where there is one, and what to do."""


def decode(content: bytes) -> str:
    """The text of a template file.

    Raises:
        TemplateError: when it is not UTF-8, or holds nothing but blanks and comments.
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
            "it is empty. To fix, remove the field; the goal `pyoxidizer-config` prints a template to "
            "start from then"
        )
    return text


def render(text: str, parameters: Mapping[str, str]) -> str:
    """Fill in `parameters` (name to Starlark source).

    A value of several lines is indented as far as the parameter is on its own line, so that it
    stays inside the function that the template puts it in.

    Raises:
        TemplateError: for a parameter that does not exist.
    """

    # Comments are rendered too: `string.Template` does not know them, and templates that were
    # written for it may rely on that.
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
    """For each line of what `render` gives, the line of `text` that it comes from."""
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
        f"line {line} uses the parameter `{match[0]}`, which does not exist.{hint} "
        f"There are {known}; write `$$` for a dollar sign"
    )

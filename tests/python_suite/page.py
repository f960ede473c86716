# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The table of reasons in docs/compatibility.md."""

from __future__ import annotations

from typing import Iterable

from python_suite.differences import Expectation

BEGIN = "<!-- This table is written by tests/python_suite/page_test.py. -->\n"
END = "\n<!-- It ends here. -->\n"


def table(expectations: Iterable[Expectation]) -> str:
    """One row for each reason, with the files in which it shows."""
    files: dict[str, dict[str, None]] = {}
    for expectation in expectations:
        files.setdefault(expectation.reason, {})[expectation.file.rpartition(".")[2]] = None
    rows = [("Why", "Seen in"), ("---", "---")]
    for reason, names in files.items():
        rows.append((reason, ", ".join(f"`{name}`" for name in sorted(names))))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def with_table(page: str, text: str) -> str:
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN.strip()} or {END.strip()}")
    return f"{head}{BEGIN}\n{text}{END}{tail}"

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Metadata of the distributions in a payload, for `importlib.metadata`."""

import csv
import io
import re
import sys
from typing import Any, Iterator, Optional

from .payload import Payload
from .resources import PayloadPath, bytecode


class PayloadDistribution:
    """The methods that a `Distribution` needs; `find_distributions` adds the caller's base class."""

    def __init__(self, dist_info: PayloadPath) -> None:
        self._dist_info = dist_info

    def read_text(self, filename: Any) -> Optional[str]:
        path = self._dist_info / str(filename)
        if not path.is_file():
            return None
        text = path.read_text()
        return _with_bytecode(text, self._dist_info.payload) if path.name == "RECORD" else text

    def locate_file(self, path: Any) -> Any:
        return PayloadPath(self._dist_info.payload, "") / str(path)


def _with_bytecode(record: str, payload: Payload) -> str:
    """A RECORD (PEP 376) that lists the bytecode of modules without source.

    From Python 3.12 on, `importlib.metadata` drops files that do not exist. Before, it tells
    modules by the suffix `.py`.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    for row in filter(None, csv.reader(record.splitlines())):
        compiled = f"{row[0]}c"
        is_compiled = compiled in bytecode(payload)
        if not is_compiled or sys.version_info < (3, 12):
            writer.writerow(row)
        if is_compiled:
            writer.writerow((compiled, "", ""))
    return output.getvalue()


def find_distributions(payload: Payload, context: Any) -> Iterator[Any]:
    """For `importlib.metadata`, and for its backport `importlib_metadata`."""
    if payload.path not in context.path:
        return
    asking = sys.modules[type(context).__mro__[-2].__module__]
    distribution: Any = type("Distribution", (PayloadDistribution, asking.Distribution), {})
    for path in payload.files:
        folder, _, file = path.rpartition("/")
        if file != "METADATA" or not folder.endswith(".dist-info") or "/" in folder:
            continue
        name = folder[: -len(".dist-info")].rpartition("-")[0]
        if context.name is None or _normalized(context.name) == _normalized(name):
            yield distribution(PayloadPath(payload, folder))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Metadata of the distributions in a payload, for `importlib.metadata`."""

import re
from importlib.metadata import Distribution, DistributionFinder
from typing import Any, Iterator, Optional

from .payload import Payload
from .resources import PayloadPath


class PayloadDistribution(Distribution):
    def __init__(self, dist_info: PayloadPath) -> None:
        self._dist_info = dist_info

    def read_text(self, filename: Any) -> Optional[str]:
        path = self._dist_info / str(filename)
        return path.read_text() if path.is_file() else None

    def locate_file(self, path: Any) -> Any:
        return PayloadPath(self._dist_info.payload, "") / str(path)


def find_distributions(
    payload: Payload, context: DistributionFinder.Context
) -> Iterator[PayloadDistribution]:
    if payload.path not in context.path:
        return
    for path in payload.files:
        folder, _, file = path.rpartition("/")
        if file != "METADATA" or not folder.endswith(".dist-info") or "/" in folder:
            continue
        name = folder[: -len(".dist-info")].rpartition("-")[0]
        if context.name is None or _normalized(context.name) == _normalized(name):
            yield PayloadDistribution(PayloadPath(payload, folder))


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()

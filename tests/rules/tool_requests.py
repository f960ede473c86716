# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""For tests of rules that have a program run."""

from __future__ import annotations

from pants.engine.process import FallibleProcessResult, Process

from pants_pyoxidizer.engine import execute_process
from pants_pyoxidizer.util_rules.tool_process import ToolProcess, set_up_tool_process
from rules.mocks import Mocks


class ToolRequests:
    """Notes what is asked for, and answers with one result."""

    def __init__(self, result: FallibleProcessResult) -> None:
        self._result = result
        self._process = Process(("./python",), description="")
        self._requests: list[ToolProcess] = []

    @property
    def only(self) -> ToolProcess:
        """The one request that there was."""
        (request,) = self._requests
        return request

    @property
    def mocks(self) -> Mocks:
        return {
            set_up_tool_process: self._set_up,
            execute_process: {self._process: self._result}.__getitem__,
        }

    def _set_up(self, request: ToolProcess) -> Process:
        self._requests.append(request)
        return self._process

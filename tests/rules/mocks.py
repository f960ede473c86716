# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs a rule with mocks in place of the rules that it calls, on each supported Pants."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Mapping

from pants.engine.process import Process
from pants.testutil import rule_runner

from pants_pyoxidizer.engine import execute_process_or_raise

# From what a rule calls by name to what answers instead. Mocks get the request alone.
Mocks = Mapping[Callable[..., Awaitable[Any]], Callable[..., Any]]


def run_rule(rule: Callable[..., Any], *args: object, mocks: Mocks | None = None) -> Any:
    mocks = mocks or {}
    if hasattr(rule_runner, "MockGet"):
        return _run_by_type(rule, args, mocks)
    run: Any = rule_runner.run_rule_with_mocks  # Its signature is that of another Pants.
    by_rule_id = {getattr(call, "rule_id"): mock for call, mock in mocks.items()}  # noqa: B009
    return run(rule, rule_args=args, mock_calls=by_rule_id)


def _run_by_type(rule: Callable[..., Any], args: tuple[object, ...], mocks: Mocks) -> Any:
    """On Pants 2.16 and 2.17, which want exactly one mock for each `Get` of the rule."""
    provided = {}
    for call, mock in mocks.items():
        output_type, input_type = (getattr(call, name) for name in ("output_type", "input_type"))
        input_types = () if input_type is None else (input_type,)
        provided[output_type, input_types] = rule_runner.MockGet(output_type, input_types, mock)
    task = _task(rule)
    return rule_runner.run_rule_with_mocks(
        task.func,
        rule_args=args,
        mock_gets=[provided[get.output_type, get.input_types] for get in task.input_gets],
    )


def coroutine(rule: Callable[..., Any], *args: object) -> Any:
    """The body of the rule, to be driven by hand."""
    return _task(rule).func(*args)


def _task(rule: Callable[..., Any]) -> Any:
    return getattr(rule, "rule")  # noqa: B009 (mypy knows functions only.)


def process_mocks(set_up: Callable[..., Awaitable[Any]], run: Callable[..., Any]) -> Mocks:
    """For a rule that sets up a process and runs it: `run` gets what the process is set up from."""
    requests: dict[Process, Any] = {}

    def set_up_process(request: Any) -> Process:
        process = Process((str(len(requests)),), description="")
        requests[process] = request
        return process

    return {
        set_up: set_up_process,
        execute_process_or_raise: lambda process: run(requests[process]),
    }

# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from typing import Any, Iterable

from pants.core.goals.run import RunRequest
from pants.util.logging import LogLevel

from pants_pyoxidizer.engine import collect_rules, implicitly, rule
from pants_pyoxidizer.util_rules.binary import PyOxidizerFieldSet, build_binary


@rule(level=LogLevel.DEBUG)
async def run_binary(field_set: PyOxidizerFieldSet) -> RunRequest:
    binary = await build_binary(field_set, **implicitly())
    return RunRequest(digest=binary.digest, args=(f"{{chroot}}/{binary.executable}",))


def rules() -> Iterable[Any]:
    return collect_rules()

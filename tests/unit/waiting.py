# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""For tests of what happens in other processes and threads."""

from __future__ import annotations

import time
from typing import Any, Callable


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Fails where `condition` does not become true in so many seconds, about."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")

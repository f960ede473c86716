# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""For tests of what takes time, be it in other processes and threads or here."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Any, Callable, Iterator


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Fails where `condition` does not become true in so many seconds, about."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the main thread, in the middle of whatever takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)

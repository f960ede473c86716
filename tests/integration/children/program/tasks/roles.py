# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""

import os
import sys


def celery(*args):
    from celery.bin.celery import main

    # It reads them; and started again, it is to find them.
    sys.argv = ["celery", *args]
    sys.exit(main())


def worker():
    from tasks.app import app

    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=warning"])


def ask():
    from tasks.app import double

    process, number = double.delay(21).get(timeout=40)
    assert number == 42 and process != os.getpid()
    print(process)

#!/usr/bin/env python3
# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs CPython's own tests in an executable, and under plain Python: `suite.py --help`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Started as a script, Python looks for modules beside it, not for the package that it is in.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from python_suite.command import main

    sys.exit(main(sys.argv[1:]))

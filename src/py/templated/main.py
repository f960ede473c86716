# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""A program whose binary is built after a template of its own, `pyoxidizer.bzlt`."""

import sys

print(f"Hello from {__package__}, built after a template, with Python {sys.version.split()[0]}.")

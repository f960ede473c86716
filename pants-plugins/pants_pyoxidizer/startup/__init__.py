# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Starts a program. PyOxidizer embeds this package, under this name, in each runtime.

It runs before each program, on Python 3.8 and newer, so it imports as little as it can.
"""

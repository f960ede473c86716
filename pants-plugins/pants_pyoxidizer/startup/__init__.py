# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What starts a program; PyOxidizer embeds this package, by its name, into each runtime.

It runs before each program, on Python 3.8 and newer, so it imports little.
"""

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Calls one function, by the names of its module and itself; without them, lists all cases."""

import importlib
import json
import sys

# Those first that take the longest.
PACKAGES = (
    "tasks",
    "pools",
    "plain",
    "servers",
    "shop",
    "notebook",
    "debugging",
    "playbook",
    "suite",
)


def cases(package):
    module = importlib.import_module(f"{package}.cases")
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]


def main():
    # What starts the program again does so with these arguments: they stay.
    if sys.argv[1:]:
        module, name, *args = sys.argv[1:]
        getattr(importlib.import_module(module), name)(*args)
    else:
        print(json.dumps([[f"{it}.cases", name] for it in PACKAGES for name in cases(it)]))


if __name__ == "__main__":
    main()

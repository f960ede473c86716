# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs one case, by the names of its package and its function; without them, lists all."""

import importlib
import json
import sys

MODULES = ("inside.cases", "beside.cases", "by_path.cases")


def cases(module):
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not isinstance(value, type)
    }


def main():
    if sys.argv[1:]:
        module, name = sys.argv[1:]
        del sys.argv[1:]
        cases(importlib.import_module(module))[name]()
        print("passed")
        return
    print(json.dumps([[it, name] for it in MODULES for name in cases(importlib.import_module(it))]))

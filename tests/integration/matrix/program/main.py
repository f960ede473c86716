# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Runs one case, by its name; without a name, says which ones there are, as JSON."""

import importlib.metadata
import json
import sys

from matrix import packages, stdlib


def version(case):
    """That of the distribution of a case; None where it is not there, rightly or not."""
    try:
        return importlib.metadata.version(case.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return None


def cases(module):
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }


def main():
    if sys.argv[1:]:
        kind, name = sys.argv[1:]
        cases({"packages": packages, "stdlib": stdlib}[kind])[name]()
        print("passed")
        return
    listed = {
        "packages": {name: version(name) for name in cases(packages)},
        "stdlib": {name: sys.version.split()[0] for name in cases(stdlib)},
    }
    print(json.dumps(listed))

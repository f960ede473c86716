# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the cases start."""

import os
import runpy
import sys


def double(number):
    return 2 * number


def show(*args):
    print(sys.argv[0], *args)


def restart(spelling, *args):
    if os.environ.get("RESTARTED"):
        print("restarted", *args)
        return
    os.environ["RESTARTED"] = "1"
    if spelling == "executable":  # The answer most often given.
        os.execv(sys.executable, [sys.executable] + sys.argv)
    elif spelling == "python":
        os.execl(sys.executable, "python", *sys.argv)
    elif spelling == "argv":  # What PyInstaller's users write.
        os.execv(sys.argv[0], sys.argv)
    elif spelling == "orig_argv":
        os.execv(sys.executable, getattr(sys, "orig_argv", [sys.executable] + sys.argv))
    elif spelling == "path":
        os.execvp(os.path.basename(sys.argv[0]), sys.argv)


def run_path(run_name):
    """As NiceGUI does it in a child, and what reloads a script."""
    if os.environ.get("RESTARTED"):
        print("again")
        return
    os.environ["RESTARTED"] = "1"
    found = runpy.run_path(sys.argv[0], run_name=run_name)
    print(callable(found["main"]))

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the payload of the executable that runs, and starts its program."""

import os
import sys

from . import importer
from .payload import PayloadError, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, List, Optional

PACKAGE = __name__.rpartition(".")[0]

# What `multiprocessing` starts its helpers with, by `sys.executable` and `-c`.
HELPERS = (
    "from multiprocessing.resource_tracker import main",
    "from multiprocessing.forkserver import main",
)


def main() -> None:
    """Runs the program; what it raises ends the interpreter, which knows the exit status."""
    try:
        payload = find(sys.executable)
        importer.install(payload)
        read_pth_files(sys.executable.rpartition("/")[0] + "/lib")
        run(*payload.start)
    except SystemExit:
        raise
    except PayloadError as error:
        print(f"{sys.executable.rpartition('/')[2]}: {error}", file=sys.stderr)
        sys.exit(1)
    except BaseException as error:
        report(error)
        # Python has still to see it: KeyboardInterrupt ends the process with the signal.
        sys.excepthook = lambda *_: None
        raise


def read_pth_files(folder: str) -> None:
    """Honour what wheels on the filesystem have Python do at its start, as `site` does."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    if any(name.endswith(".pth") for name in names):
        import site

        site.addsitedir(folder)


def run(module: "Optional[str]", function: "Optional[str]") -> None:
    helper = multiprocessing_helper(sys.argv)
    # An embedded interpreter has no name of its own there, which no command line parser survives.
    sys.argv[:1] = [sys.executable]
    if helper is not None:
        exec(helper, {"__name__": "__main__"})
    elif sys.argv[1:2] == ["--multiprocessing-fork"]:
        from multiprocessing.spawn import freeze_support

        freeze_support()
    elif module is None:
        interact()
    elif function is None:
        import runpy

        runpy._run_module_as_main(module, alter_argv=False)  # type: ignore[attr-defined]
    else:
        sys.exit(load(module, function)())


def multiprocessing_helper(argv: "List[str]") -> "Optional[str]":
    """The code that `multiprocessing` wants to run in this process, if it started it.

    Without this, the program itself would run instead, and might multiply without end.
    """
    for option, code in zip(argv[1:], argv[2:]):
        if option == "-c" and code.startswith(HELPERS):
            return code
    return None


def load(module: str, function: str) -> "Callable[[], Any]":
    """What `from module import function` gives; the function may have dots in its name."""
    first, *rest = function.split(".")
    # With `fromlist`, it may be a submodule.
    found: "Any" = getattr(__import__(module, fromlist=[first]), first)
    for name in rest:
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


def interact() -> None:
    """What `python` does without arguments."""
    import __main__  # pants: no-infer-dep

    if not sys.stdin.isatty():
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), __main__.__dict__)
        return
    import code

    try:
        import readline  # Gives the prompt a history and keys.
        import rlcompleter

        readline.parse_and_bind("tab: complete")
        readline.set_completer(rlcompleter.Completer(__main__.__dict__).complete)
    except ImportError:
        pass
    code.interact(local=__main__.__dict__, exitmsg="")


def report(error: BaseException) -> None:
    """Print a traceback, as Python does, without the frames of this module and of runpy."""
    traceback = error.__traceback__
    while traceback is not None and is_ours(traceback):
        traceback = traceback.tb_next
    error.__traceback__ = traceback
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    if sys.excepthook is sys.__excepthook__:
        # That one reads sources from files alone.
        from traceback import print_exception

        print_exception(type(error), error, traceback)
    else:
        sys.excepthook(type(error), error, traceback)


def is_ours(traceback: "TracebackType") -> bool:
    name = str(traceback.tb_frame.f_globals.get("__name__"))
    return name == "runpy" or name == __name__ or name.startswith(PACKAGE + ".")

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the payload of the executable that runs, and starts its program."""

import os
import sys

from . import importer
from .payload import Payload, PayloadError, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, List, Optional

PACKAGE = __name__.rpartition(".")[0]

FORK = "--multiprocessing-fork"  # The first argument of a process that is started by "spawn".
VARIABLE = "PANTS_PYOXIDIZER_INTERPRETER"


def main() -> None:
    """Runs the program; what it raises ends the interpreter, which knows the exit status."""
    try:
        payload = find(sys.executable)
        importer.locate_stdlib()
        importer.install(payload)
        folder = sys.executable.rpartition("/")[0] + "/lib"
        set_prefixes(folder)
        read_pth_files(folder)
        add_builtins()
        run(payload)
    except SystemExit:
        raise
    except PayloadError as error:
        print(f"{program_name()}: {error}", file=sys.stderr)
        sys.exit(1)
    except BaseException as error:
        report(error)
        # Python has still to see it: KeyboardInterrupt ends the process with the signal.
        sys.excepthook = lambda *_: None
        raise


def program_name() -> str:
    return sys.executable.rpartition("/")[2]


def add_builtins() -> None:
    """Of what `site` does elsewhere, add the functions that scripts use."""
    import builtins

    from _sitebuiltins import Quitter, _Helper

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _Helper()  # type: ignore[assignment]


def set_prefixes(folder: str) -> None:
    """Say that distributions are installed below the folder.

    What they bring for elsewhere than site-packages, such as `share/jupyter`, is looked for there.
    """
    sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = folder


def read_pth_files(folder: str) -> None:
    """Honour what wheels on the filesystem have Python do at its start, as `site` does."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    if any(name.endswith(".pth") for name in names):
        import site

        site.addsitedir(folder)


def run(payload: Payload) -> None:
    module, function = payload.start
    arguments = sys.argv[1:]
    # An embedded interpreter has no name of its own there, which no command line parser survives.
    sys.argv[:1] = [sys.executable]
    process = process_of_multiprocessing(arguments)
    if process is not None:
        # The tracker only removes what it is told to. It may outlive who started it.
        is_safe = payload.interpreter or process == "resource_tracker"
        if borrows_rights():
            sys.exit(f"{program_name()}: such a process cannot run with the rights of another user")
        if not is_safe and is_child_of_ours() is False:
            sys.exit(f"{program_name()}: only the program itself can start such a process")
        run_for_multiprocessing(arguments)
    elif module is None or is_helper(arguments) or payload.interpreter and wants_interpreter():
        from . import interpreter

        interpreter.main(arguments)
    elif function is None:
        import runpy

        runpy._run_module_as_main(module, alter_argv=False)  # type: ignore[attr-defined]
    else:
        sys.exit(load(module, function)())


def process_of_multiprocessing(arguments: "List[str]") -> "Optional[str]":
    """Which process this is, if `multiprocessing` started it.

    Without this, the program itself would run instead, and might multiply without end.
    """
    if arguments[:1] == [FORK]:
        return "spawn"
    if not any(argument.startswith("from multiprocessing.") for argument in arguments):
        return None
    from . import interpreter

    return interpreter.process_of_multiprocessing(arguments)


def run_for_multiprocessing(arguments: "List[str]") -> None:
    if arguments[0] == FORK:
        from multiprocessing.spawn import freeze_support

        freeze_support()
    else:
        from . import interpreter

        interpreter.main(arguments)


def is_helper(arguments: "List[str]") -> bool:
    """Whether another library started this as `multiprocessing` starts its processes.

    As joblib's loky does: by the program itself, as an interpreter, with a pipe.
    """
    if "-c" not in arguments and "-m" not in arguments:
        return False
    if borrows_rights() or not is_child_of_ours():
        return False
    from . import interpreter

    return interpreter.names_a_pipe(arguments)


def borrows_rights() -> bool:
    """Whether the executable is set-user-ID or set-group-ID, and another user started it.

    As with LD_PRELOAD, who borrows rights must not bring code along.
    """
    return (os.getuid(), os.getgid()) != (os.geteuid(), os.getegid())


def is_child_of_ours() -> "Optional[bool]":
    """Whether the parent process is this program, too; None where there is no `/proc` to tell.

    What `multiprocessing` sends to a process is code.
    """
    try:
        return os.path.samefile("/proc/self/exe", f"/proc/{os.getppid()}/exe")
    except OSError:
        return False if os.path.exists("/proc/self/exe") else None


def wants_interpreter() -> bool:
    """Whether the environment asks for an interpreter in place of the program.

    If so, the variable becomes our path: `sys.executable` is an interpreter for the processes that
    are started from here, and other executables of this kind are what they are.
    """
    if os.environ.get(VARIABLE) not in ("1", sys.executable) or borrows_rights():
        return False
    os.environ[VARIABLE] = sys.executable
    return True


def load(module: str, function: str) -> "Callable[[], Any]":
    """What `from module import function` gives; the function may have dots in its name."""
    first, *rest = function.split(".")
    # With `fromlist`, it may be a submodule.
    found: "Any" = getattr(__import__(module, fromlist=[first]), first)
    for name in rest:
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


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

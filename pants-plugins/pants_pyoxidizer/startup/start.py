# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Finds the payload of the running executable and starts its program."""

import os
import sys

from . import importer
from .payload import Payload, PayloadError, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, List, NoReturn, Optional

PACKAGE = __name__.rpartition(".")[0]

FORK = "--multiprocessing-fork"  # The first argument of a process started by "spawn".
VARIABLE = "PANTS_PYOXIDIZER_INTERPRETER"

AT_SECURE = 23  # <linux/auxvec.h>
ONLY_OURS = "only the program itself can start such a process"


def main() -> None:
    """Run the program. What it raises ends the interpreter, which sets the exit status."""
    try:
        payload = find(sys.executable)
        importer.locate_stdlib()
        importer.install(payload)
        folder = sys.executable.rpartition("/")[0] + "/lib"
        importer.install_folder(folder)
        set_prefixes(folder)
        read_pth_files(folder)
        add_builtins()
        run(payload)
    except SystemExit:
        raise
    except PayloadError as error:
        fail(str(error))
    except BaseException as error:
        report(error)
        # Let Python see it, silently: it ends the process with SIGINT for KeyboardInterrupt.
        sys.excepthook = lambda *_: None
        raise


def fail(message: str) -> "NoReturn":
    sys.exit(f"{sys.executable.rpartition('/')[2]}: {message}")


def add_builtins() -> None:
    """Add the functions that scripts use, as `site` does elsewhere."""
    import builtins

    from _sitebuiltins import Quitter, _Helper

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _Helper()  # type: ignore[assignment]


def set_prefixes(folder: str) -> None:
    """Make the folder the prefix, where programs look for files such as `share/jupyter`."""
    sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = folder


def read_pth_files(folder: str) -> None:
    """Process the `.pth` files of wheels on the filesystem, as `site` does."""
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
    # An embedded interpreter leaves it empty, which command-line parsers do not survive.
    sys.argv[:1] = [sys.executable]
    is_process = process_of_multiprocessing(arguments) is not None
    if is_process and borrows_rights():
        fail("such a process cannot run with the rights of another user")
    if is_process or is_helper(arguments):
        if not payload.interpreter:
            require_our_parent()
        run_worker(arguments)
    elif module is None or payload.interpreter and wants_interpreter():
        from . import interpreter

        interpreter.main(arguments)
    elif function is None:
        import runpy

        runpy._run_module_as_main(module, alter_argv=False)  # type: ignore[attr-defined]
    else:
        sys.exit(load(module, function)())


def process_of_multiprocessing(arguments: "List[str]") -> "Optional[str]":
    """The kind of this process, if `multiprocessing` started it.

    Otherwise the program itself would run instead, and might start processes without end.
    """
    if arguments[:1] == [FORK]:
        return "spawn"
    if not any(argument.startswith("from multiprocessing.") for argument in arguments):
        return None
    from . import interpreter

    return interpreter.process_of_multiprocessing(arguments)


def run_worker(arguments: "List[str]") -> None:
    if arguments[0] == FORK:
        from multiprocessing.spawn import freeze_support

        freeze_support()
    else:
        from . import interpreter

        interpreter.main(arguments)


def is_helper(arguments: "List[str]") -> bool:
    """Whether another library started this process as `multiprocessing` does.

    joblib's loky, for example, starts the program as an interpreter and hands it a pipe.
    """
    if "-c" not in arguments and "-m" not in arguments:
        return False
    if borrows_rights():
        return False
    try:
        is_ours = is_child_of_ours()
    except PermissionError:
        # A service cannot inspect its parent, either, but it leads its own session.
        is_ours = os.getsid(0) != os.getpid()
    if not is_ours:
        return False
    from . import interpreter

    return interpreter.names_a_pipe(arguments)


def borrows_rights() -> bool:
    """Whether the executable has more rights than its caller, by set-user-ID or capabilities.

    As with LD_PRELOAD, a caller must not get its own code run with such rights.
    """
    if (os.getuid(), os.getgid()) != (os.geteuid(), os.getegid()):
        return True
    try:
        with open("/proc/self/auxv", "rb") as file:
            return is_secure(file.read())
    except PermissionError:
        return True  # The kernel denies access when an executable gives rights.
    except FileNotFoundError:
        return False


def is_secure(auxv: bytes) -> bool:
    """Whether AT_SECURE is set, which also makes the dynamic linker ignore LD_PRELOAD."""
    numbers = memoryview(auxv).cast("L").tolist()
    return dict(zip(numbers[::2], numbers[1::2])).get(AT_SECURE, 0) != 0


def require_our_parent() -> None:
    """Exit if the program did not start this process, because the pipe brings code to run."""
    try:
        is_ours = is_child_of_ours()
    except PermissionError as error:
        fail(f"{ONLY_OURS}, and {error.filename}, which tells who did, cannot be read")
    if is_ours is False:
        fail(ONLY_OURS)


def is_child_of_ours() -> "Optional[bool]":
    """Whether the parent process runs this program, too; None without `/proc`.

    Raises:
        PermissionError: when we may not know, for example when the parent has changed its user.
    """
    own, parents = "/proc/self/exe", f"/proc/{os.getppid()}/exe"
    try:
        # The file may have been replaced since the parent started.
        return os.path.samefile(own, parents) or (
            os.readlink(parents) == f"{os.readlink(own)} (deleted)"
        )
    except PermissionError:
        raise
    except OSError:
        return False if os.path.exists(own) else None


def wants_interpreter() -> bool:
    """Whether the environment asks for an interpreter in place of the program.

    If so, set the variable to our path. Then `sys.executable` is an interpreter in the processes
    started from here, but other executables of this kind still run their programs.
    """
    if os.environ.get(VARIABLE) not in ("1", sys.executable) or borrows_rights():
        return False
    os.environ[VARIABLE] = sys.executable
    return True


def load(module: str, function: str) -> "Callable[[], Any]":
    """What `from module import function` gives; the function's name may be dotted."""
    first, *rest = function.split(".")
    # `fromlist` also imports a submodule of that name.
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
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, traceback)
    elif sys.stderr is not None:  # Otherwise `print_exception` would use stdout.
        # Python's own hook reads sources only from files.
        from traceback import print_exception

        print_exception(type(error), error, traceback)


def is_ours(traceback: "TracebackType") -> bool:
    name = str(traceback.tb_frame.f_globals.get("__name__"))
    return name == "runpy" or name == __name__ or name.startswith(PACKAGE + ".")

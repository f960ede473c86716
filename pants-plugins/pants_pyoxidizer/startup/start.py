# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Prepares the Python of an executable, which then does what `python` does with its arguments.

So all of the payload can be imported, and the executable is a script: it has a `__main__`, as a
zip file has that Python runs. So are the modules in it, by their paths: `python -m` gives them these for
`sys.argv[0]`, by which programs start themselves again.
"""

import os
import sys
from importlib.machinery import ModuleSpec

from . import importer, installation
from .payload import Payload, PayloadError, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType
    from typing import Any, Callable, NoReturn, Optional


def prepare(executable: str) -> None:
    """Make all code of the executable importable, and the executable a script.

    `main.rs` calls this, with the executable's path, before Python looks for its script.
    """
    try:
        payload = find(executable)
    except PayloadError as error:
        fail(executable, error)
    importer.locate_stdlib(executable)
    importer.install(payload)
    offer_scripts(payload, executable)
    folder = executable.rpartition("/")[0] + "/lib"
    importer.install_folder(folder)
    installation.correct(folder)
    read_pth_files(folder)
    add_builtins()
    loader = importer.find_module(payload, sys.argv[0])
    if loader is not None:
        sys.modules["runpy"] = RunpyOfModule(payload, executable, loader)  # type: ignore[assignment]
    elif payload.start[0] is not None and is_same_file(sys.argv[0], executable):
        sys.modules["runpy"] = Runpy(payload, executable)  # type: ignore[assignment]


def is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False


def add_builtins() -> None:
    """Of what `site` does elsewhere, add what scripts and prompts use."""
    import builtins

    from _sitebuiltins import Quitter, _Helper

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _Helper()  # type: ignore[assignment]
    sys.__interactivehook__ = complete_at_prompt  # type: ignore[attr-defined]


def complete_at_prompt() -> None:
    """Give a prompt keys, a history and completion, if there is a `readline`."""
    import site

    site.enablerlcompleter()
    sys.__interactivehook__()  # type: ignore[attr-defined]


def read_pth_files(folder: str) -> None:
    """Honour what wheels on the filesystem have Python do at its start, as `site` does."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    if any(name.endswith(".pth") for name in names):
        import site

        site.addsitedir(folder)


# --- The script

# As installers write scripts. `multiprocessing` only wants the names in it.
FUNCTION = """\
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({function}())
if __name__ != "__mp_main__":
    {function}()
"""
MODULE = """\
globals().update(__import__("runpy").run_module({module!r}, run_name=__name__))
"""


def script(payload: Payload) -> str:
    """The source of `__main__` in the executable."""
    module, function = payload.start
    if function is None:
        return MODULE.format(module=module)
    return FUNCTION.format(module=module, function=function, name=function.partition(".")[0])


class ScriptLoader:
    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self._source = source

    def get_code(self, fullname: str) -> "CodeType":
        code: "CodeType" = compile(self._source, self.path, "exec", dont_inherit=True)
        return code

    def get_source(self, fullname: str) -> str:
        return self._source

    def is_package(self, fullname: str) -> bool:
        return False


class ScriptFinder(importer.PayloadFinder):
    """Finds a script as the `__main__` of its path, and the modules in a folder of the payload."""

    def __init__(self, payload: Payload, folder: str, loader: "Any") -> None:
        super().__init__(payload, folder)
        self._loader = loader

    def find_spec(self, fullname: str, target: "Any" = None) -> "Optional[ModuleSpec]":
        # Python and `runpy` put a script at the front of `sys.path`. Elsewhere there, as always, the
        # executable must offer no `__main__` for a script that has none, such as an empty folder.
        is_script = self._loader is not None and sys.path[:1] == [self._loader.path]
        if fullname != "__main__" or not is_script:
            return super().find_spec(fullname, target)
        spec = ModuleSpec(fullname, self._loader, origin=self._loader.path)
        spec.has_location = True
        return spec


def offer_scripts(payload: Payload, executable: str) -> None:
    """Have Python, and `runpy.run_path`, run the executable, by whichever name, and its modules."""

    def path_hook(path: str) -> ScriptFinder:
        if is_same_file(path, executable):
            loader = ScriptLoader(path, script(payload)) if payload.start[0] else None
            return ScriptFinder(payload, "", loader)
        module = importer.find_module(payload, path)
        if module is not None:
            folder = path[len(payload.path) + 1 :].rpartition("/")[0]
            return ScriptFinder(payload, f"{folder}/" if folder else "", module)
        raise ImportError(f"{path} is no script in {executable}")

    sys.path_hooks.insert(0, path_hook)  # type: ignore[arg-type]


class Runpy:
    """What Python calls to run a script of this kind, without the import of `runpy`, which is slow.

    A module runs as with `python -m`, and a function as in a script.
    """

    def __init__(self, payload: Payload, executable: str) -> None:
        self._payload = payload
        self._executable = executable

    def _run_module_as_main(self, name: str, alter_argv: bool) -> None:
        del sys.modules["runpy"]
        try:
            self._run()
        except SystemExit:
            raise
        except PayloadError as error:
            fail(self._executable, error)
        except BaseException as error:
            report(error)
            # Python has still to see it: KeyboardInterrupt ends the process with the signal.
            sys.excepthook = lambda *_: None
            raise

    def _run(self) -> None:
        del sys.path[0]  # The script, which is there already by its real path.
        module, function = self._payload.start
        assert module is not None
        if function is None:
            import runpy

            runpy._run_module_as_main(module, alter_argv=False)  # type: ignore[attr-defined]
        else:
            main: "Any" = sys.modules["__main__"]
            main.__file__ = os.path.abspath(sys.argv[0])
            main.__loader__ = ScriptLoader(main.__file__, script(self._payload))
            sys.exit(load(module, function)())


class RunpyOfModule(Runpy):
    """The same for a module in the executable, which runs as a file does."""

    def __init__(self, payload: Payload, executable: str, loader: "Any") -> None:
        super().__init__(payload, executable)
        self._loader = loader

    def _run(self) -> None:
        if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
            del sys.path[0]
        else:
            sys.path[0] = sys.path[0].rpartition("/")[0]
        main: "Any" = sys.modules["__main__"]
        main.__file__ = self._loader.path
        main.__loader__ = self._loader
        exec(self._loader.get_code("__main__"), vars(main))


def load(module: str, function: str) -> "Callable[[], Any]":
    """What `from module import function` gives; the function may have dots in its name."""
    first, *rest = function.split(".")
    # With `fromlist`, it may be a submodule.
    found: "Any" = getattr(__import__(module, fromlist=[first]), first)
    for name in rest:
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


# --- Errors


def fail(executable: str, error: PayloadError) -> "NoReturn":
    sys.exit(f"{os.path.basename(executable)}: {error}")


def report(error: BaseException) -> None:
    """Print a traceback, as Python does, without the frames of this module and of runpy."""
    traceback = error.__traceback__
    while traceback is not None and is_ours(traceback):
        traceback = traceback.tb_next
    error.__traceback__ = traceback
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, traceback
    if sys.excepthook is not sys.__excepthook__:
        sys.excepthook(type(error), error, traceback)
    elif sys.stderr is not None:  # Else `print_exception` would take stdout.
        # Python's own hook reads sources from files alone.
        from traceback import print_exception

        print_exception(type(error), error, traceback)


def is_ours(traceback: "TracebackType") -> bool:
    return traceback.tb_frame.f_globals.get("__name__") in ("runpy", __name__)

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What `python` does with its command line: `-c CODE`, `-m MODULE`, a file, `-`, or a prompt."""

import sys

import __main__  # pants: no-infer-dep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, NoReturn, Optional, Sequence, Tuple

USAGE = "usage: [option] ... [-c cmd | -m mod | file | -] [arg] ..."

# Python's other options would have to take effect before any code runs. They are accepted, because
# libraries pass them, and ignored.
FLAGS = "BIPVhu" + "EORSbdqsv"
WITH_VALUE = "WXcm"

# How `multiprocessing` starts its processes, by `sys.executable`, options, and `-c`.
PROCESSES = {
    "resource_tracker": "from multiprocessing.resource_tracker import main;main(",
    "forkserver": "from multiprocessing.forkserver import main; main(",
    "spawn": "from multiprocessing.spawn import spawn_main; spawn_main(",
}


class UsageError(Exception):
    """A command line that `python` would refuse."""


class Command:
    """A parsed command line. `form` is "-c", "-m", "file" or "-", and `value` what it applies to."""

    def __init__(
        self, options: "List[Tuple[str, str]]", form: str, value: str, arguments: "List[str]"
    ) -> None:
        self.options = options
        self.form = form
        self.value = value
        self.arguments = arguments

    def has(self, flags: str) -> bool:
        return any(letter in flags for letter, _ in self.options)


def parse(arguments: "Sequence[str]") -> Command:
    """Raises UsageError."""
    options: "List[Tuple[str, str]]" = []
    rest = list(arguments)
    while rest and rest[0] != "-" and rest[0].startswith("-"):
        letters = rest.pop(0)[1:]
        if letters == "-":
            break
        if letters.startswith("-"):
            letters = {"-version": "V", "-help": "h"}.get(letters) or refuse(letters)
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in FLAGS:
                options.append((letter, ""))
            elif letter not in WITH_VALUE:
                refuse(letter)
            elif not letters and not rest:
                raise UsageError(f"Argument expected for the -{letter} option")
            else:
                value, letters = letters or rest.pop(0), ""
                if letter in "cm":
                    return Command(options, f"-{letter}", value, rest)
                options.append((letter, value))
    if rest[:1] in ([], ["-"]):
        return Command(options, "-", "-" if rest else "", rest[1:])
    return Command(options, "file", rest[0], rest[1:])


def refuse(option: str) -> str:
    raise UsageError(f"Unknown option: -{option}")


def process_of_multiprocessing(arguments: "Sequence[str]") -> "Optional[str]":
    """The one of PROCESSES that this command line starts, if any."""
    try:
        command = parse(arguments)
    except UsageError:
        return None
    if command.form != "-c" or command.arguments not in ([], ["--multiprocessing-fork"]):
        return None
    for name, code in PROCESSES.items():
        if command.value.startswith(code) and command.value.endswith(")"):
            is_exact = name != "resource_tracker" or command.value[len(code) : -1].isdigit()
            return name if is_exact else None
    return None


def names_a_pipe(arguments: "Sequence[str]") -> bool:
    """Whether code or a module is to run with a pipe or a socket that this process inherited."""
    try:
        command = parse(arguments)
    except UsageError:
        return False
    if command.form not in ("-c", "-m"):
        return False
    import re

    numbers = re.findall(r"\b[0-9]{1,9}\b", " ".join([command.value, *command.arguments]))
    return any(is_pipe(int(number)) for number in numbers)


def is_pipe(descriptor: int) -> bool:
    """Standard input, output and error do not count, because any program gets them."""
    import os
    import stat

    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return descriptor > 2 and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def main(arguments: "Sequence[str]") -> None:
    try:
        command = parse(arguments)
    except UsageError as error:
        fail(f"{error}\n{USAGE}")
    if command.has("Vh"):
        print(f"Python {sys.version.split()[0]}" if command.has("V") else USAGE)
        return
    set_options(command)
    if command.form == "-c":
        start(command, "-c", folder="")
        exec(compile(command.value, "<string>", "exec"), __main__.__dict__)
    elif command.form == "-m":
        import os
        import runpy

        start(command, "-m", folder=os.getcwd())
        runpy._run_module_as_main(command.value)  # type: ignore[attr-defined]
    elif command.form == "-":
        start(command, command.value, folder="")
        interact()
    else:
        run_file(command)


def fail(message: str) -> "NoReturn":
    if sys.stderr is not None:  # Otherwise `print` would use stdout.
        print(message, file=sys.stderr)
    sys.exit(2)


def start(command: Command, name: str, folder: str) -> None:
    sys.argv[:] = [name, *command.arguments]
    if not command.has("IP"):
        sys.path.insert(0, folder)


def set_options(command: Command) -> None:
    """Apply options, also those that `multiprocessing` passes on to the interpreters it starts."""
    if command.has("B"):
        sys.dont_write_bytecode = True
    if command.has("u"):
        unbuffer("stdout")
        unbuffer("stderr")
    for letter, value in command.options:
        if letter == "X":
            name, equals, given = value.partition("=")
            sys._xoptions[name] = given if equals else True
        elif letter == "W":
            import warnings

            sys.warnoptions.append(value)
            warnings._processoptions([value])  # type: ignore[attr-defined]


def unbuffer(name: str) -> None:
    import io

    old = getattr(sys, name)
    if old is not None:
        raw = open(old.fileno(), "wb", buffering=0, closefd=False)
        new = io.TextIOWrapper(raw, old.encoding, old.errors, write_through=True)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def run_file(command: Command) -> None:
    import os
    import pkgutil

    path = os.path.join(os.getcwd(), command.value)
    if pkgutil.get_importer(path) is not None:  # A folder or a zip file.
        import runpy

        sys.argv[:] = [command.value, *command.arguments]
        sys.path.insert(0, path)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    try:
        with open(path, "rb") as file:
            code = pkgutil.read_code(file)
            file.seek(0)
            source = file.read()
    except OSError as error:
        fail(
            f"{sys.executable}: can't open file {path!r}: "
            f"[Errno {error.errno}] {error.strerror}"
        )
    from importlib.machinery import SourceFileLoader

    start(command, command.value, folder=os.path.dirname(os.path.realpath(path)))
    # `__spec__` stays None, so that `multiprocessing` finds the code by its `__file__`.
    __main__.__dict__.update(
        __file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path)
    )
    exec(compile(source, path, "exec") if code is None else code, __main__.__dict__)


def interact() -> None:
    """What `python` does without arguments."""
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
    banner = f'Python {sys.version} on {sys.platform}\nType "help" for more information.'
    code.interact(banner, local=__main__.__dict__, exitmsg="")

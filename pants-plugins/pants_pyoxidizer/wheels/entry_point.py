# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Parses the entry point of a binary, finds it in wheels, and writes the code that runs it.

Pure: no engine, no files. The syntax is that of console scripts (`module` or
`module:attribute.attribute`; "Entry points specification" of the Python Packaging User Guide),
without extras.
"""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from dataclasses import dataclass
from typing import Collection, Iterable, Iterator

from pants_pyoxidizer.wheels.metadata import Wheel

MAX_NEAREST = 5
_SIMILAR_ENOUGH = 0.6  # The default of difflib.get_close_matches.


@dataclass(frozen=True)
class EntryPoint:
    """What to run.

    `module` is a dotted name. `function` is a name, which may be dotted, or None to run the module
    as `python -m` does.
    """

    module: str
    function: str | None = None

    def __str__(self) -> str:
        return self.module if self.function is None else f"{self.module}:{self.function}"


def parse_entry_point(value: str) -> EntryPoint:
    """Parse `pkg.mod` or `pkg.mod:func`.

    Raises:
        ValueError: for any other value. The message is a sentence such as "it is empty."
    """
    if not value.strip():
        raise ValueError("it is empty.")
    _refuse_strange_characters(value)
    if "/" in value or "\\" in value:
        raise ValueError(f"it looks like a file path{_path_hint(value)}")
    module, colon, function = value.partition(":")
    if ":" in function:
        raise ValueError("it has more than one colon.")
    if not module:
        raise ValueError("it has no module before the colon.")
    if colon and not function:
        raise ValueError("it has no function after the colon.")
    _check_dotted_name(module)
    if module == "__main__":
        raise ValueError(
            "`__main__` is the name of the running program, not of one of its modules."
        )
    if not colon:
        return EntryPoint(module)
    _check_dotted_name(function)
    # Python normalizes names in source code, so an attribute exists only in this form (PEP 3131).
    return EntryPoint(module, unicodedata.normalize("NFKC", function))


def _refuse_strange_characters(value: str) -> None:
    for character in value:
        if character.isspace():
            raise ValueError(f"it contains the whitespace character {ascii(character)}.")
        if character in "'\"`$" or not character.isprintable():
            raise ValueError(f"it contains the character {ascii(character)}.")


def _check_dotted_name(dotted: str) -> None:
    if dotted.startswith("."):
        raise ValueError(f"`{dotted}` starts with a dot.")
    if dotted.endswith("."):
        raise ValueError(f"`{dotted}` ends with a dot.")
    for name in dotted.split("."):
        if not name:
            raise ValueError(f"`{dotted}` has two dots in a row.")
        if keyword.iskeyword(name):
            raise ValueError(f"`{name}` is a Python keyword.")
        if not name.isidentifier():
            guess = name.replace("-", "_")
            hint = f": did you mean `{guess}`?" if guess.isidentifier() else "."
            raise ValueError(f"`{name}` is not a Python identifier{hint}")


def _path_hint(path: str) -> str:
    """The end of a sentence about a file path: the entry point it may stand for, if any."""
    file, colon, function = path.replace("\\", "/").partition(":")
    module = re.sub(r"(?:/__(?:init|main)__)?(?:\.py)?/*$", "", file)
    module = re.sub(r"^(?:\.*/)*", "", module).replace("/", ".")
    try:
        if "/" not in function:
            return f": did you mean `{parse_entry_point(module + colon + function)}`?"
    except ValueError:
        pass
    return "; write modules with dots."


# --- Lookup


def find_module(
    entry_point: EntryPoint, wheels: Iterable[Wheel], *, first_party: Collection[str] = ()
) -> tuple[str, ...] | None:
    """None if the entry point can be run; otherwise similar names that can.

    There are at most MAX_NEAREST, best first.

    Without a function, the entry point must be a module, or a package with a `__main__`. With one,
    it can be any module or package except a namespace package, which has no attributes.

    `first_party` contains file names of wheels whose modules come first. A name with the same last
    part counts as similar, however different the rest is: the user may have the wrong folder. So do
    a package's modules, and the module in `module.func`.
    """
    wanted = entry_point.module
    called = entry_point.function is not None
    ranking: dict[str, tuple[int, float, str]] = {}
    for wheel in wheels:
        order = 0 if wheel.filename in first_party else 1
        for name in _runnable(wheel, called):
            if name == wanted:
                return None
            if not called and name.endswith(".__main__"):
                continue  # Suggest its package instead.
            nearness = _nearness(wanted, name)
            if nearness is not None:
                rank = (order, -nearness, name)
                ranking[name] = min(rank, ranking.get(name, rank))
    return tuple(sorted(ranking, key=ranking.__getitem__)[:MAX_NEAREST])


def module_problem(
    entry_point: EntryPoint, wheels: Iterable[Wheel], *, first_party: Collection[str] = ()
) -> str | None:
    """The result of `find_module` as one or two sentences; None if the entry point can be run."""
    wheels = tuple(wheels)
    nearest = find_module(entry_point, wheels, first_party=first_party)
    if nearest is None:
        return None
    module = entry_point.module
    namespace = any(module in wheel.namespaces for wheel in wheels)
    if namespace and entry_point.function is not None:
        problem = f"`{module}` is a namespace package, which has no functions."
    elif namespace or any(module in wheel.packages for wheel in wheels):
        problem = f"`{module}` is a package without a `__main__` module, so it cannot be run."
    else:
        problem = f"The module `{module}` is in none of the wheels."
    if not nearest:
        return problem
    names = ", ".join(f"`{name}`" for name in nearest)
    return f"{problem} Similar names: {names}."


def _runnable(wheel: Wheel, called: bool) -> Iterator[str]:
    """The modules of a wheel that can be run, or that can contain a function (`called`)."""
    if called:
        yield from wheel.modules
        return
    yield from wheel.executable_packages
    yield from (name for name in wheel.modules if name not in wheel.packages)


def _nearness(wanted: str, name: str) -> float | None:
    """From 0 to 1, or None if the names are unrelated."""
    if f"{name}.py" == wanted:
        return 1.0
    matcher = difflib.SequenceMatcher(None, name.lower(), wanted.lower())
    related = (
        _last(name) == _last(wanted)
        or name.startswith(f"{wanted}.")
        or wanted.startswith(f"{name}.")
    )
    # The quick ratios are upper bounds, and enough for most names.
    if not related and min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _SIMILAR_ENOUGH:
        return None
    ratio = matcher.ratio()
    return ratio if related or ratio >= _SIMILAR_ENOUGH else None


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


# --- Startup code


def run_command(entry_point: EntryPoint) -> str:
    """Python source for PyOxidizer's `python_config.run_command`.

    It is one line of ASCII, valid on Python 3.8 and newer.

    A module runs as with `python -m`. A function is called as by a console script: its result is
    the exit status.

    The code consists of expressions and one assignment to a slice, because it runs in the
    `__main__` that becomes the user's, and must leave no names there. `sys.argv[0]` is None in an
    embedded interpreter, which breaks argparse, click and typer.
    """
    set_program_name = "__import__('sys').argv[:1] = [__import__('sys').executable]"
    if entry_point.function is None:
        module = ascii(entry_point.module)
        run = f"__import__('runpy')._run_module_as_main({module}, alter_argv=False)"
        return f"{set_program_name}; {run}"
    first, *rest = entry_point.function.split(".")
    # With `fromlist` this is `from module import first`: the module itself, not its parent, and
    # `first` may be a submodule.
    function = f"__import__({ascii(entry_point.module)}, fromlist=[{ascii(first)}])"
    for name in (first, *rest):
        function = f"getattr({function}, {ascii(name)})"
    return f"{set_program_name}; __import__('sys').exit({function}())"

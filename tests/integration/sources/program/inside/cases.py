# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What reads the source of its caller. This package needs no files, so it is in the executable."""

import contextlib
import importlib.resources
import inspect
import io
import linecache
import os
import pkgutil
import sys
import tempfile
import traceback
from dataclasses import dataclass


def typeguard():
    from typeguard import TypeCheckError, typechecked

    @typechecked
    def double(number: int) -> int:
        result: int = 2 * number
        return result

    assert double(2) == 4
    try:
        double("2")
    except TypeCheckError as error:
        assert "is not an instance of int" in str(error)
    else:
        raise AssertionError("nothing was checked")


def pydantic():
    from pydantic import BaseModel, ConfigDict

    class Point(BaseModel):
        model_config = ConfigDict(use_attribute_docstrings=True)
        x: int
        """How far to the right."""

    assert Point.model_fields["x"].description == "How far to the right."


def tyro():
    import tyro

    @dataclass
    class Options:
        size: int = 1  # How large it is.

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(Options, args=["--help"])
    assert "How large it is." in text.getvalue()


def icecream():
    from icecream import IceCreamDebugger

    lines = []
    ic = IceCreamDebugger(outputFunction=lines.append)
    number = 20
    ic(number + 1)
    assert lines == ["ic| number + 1: 21"], lines


def myhdl():
    """It compiles the source of a function, as torch.jit does."""
    from myhdl import Signal, always, block

    @block
    def invert(clock, value):
        @always(clock.posedge)
        def logic():
            value.next = not value

        return logic

    with tempfile.TemporaryDirectory() as folder:
        invert(Signal(bool(0)), Signal(bool(0))).convert(hdl="Verilog", path=folder)
        with open(os.path.join(folder, "invert.v")) as file:
            assert "value <= (!value);" in file.read()


def names():
    """They are absolute, and agree; `pdb` is in the payload as well."""
    import pdb

    for module, function in ((sys.modules[__name__], names), (pdb, pdb.set_trace)):
        path = function.__code__.co_filename
        # In a way that does not show that it asks: this package would lie on the filesystem then.
        assert path == module.__file__ == vars(module.__spec__)["origin"], path
        assert os.path.isabs(path), path
        assert inspect.getmodule(function.__code__) is module
    assert inspect.stack()[0].filename == names.__code__.co_filename


def sources():
    text = inspect.getsource(sys.modules[__name__])
    assert text.startswith("# Licensed") and inspect.getsource(sources) in text
    assert pkgutil.get_data("inside", "cases.py").decode() == text
    assert __loader__.get_source(__name__) == text
    assert linecache.getline(sources.__code__.co_filename, 1, globals()).startswith("# Licensed")
    # In `lib`, there is a folder as well, with the bytecode.
    contents = [it for it in importlib.resources.contents("inside") if it != "__pycache__"]
    found = {it: importlib.resources.read_text("inside", it) for it in contents}
    assert found == {"__init__.py": "", "cases.py": text}, found.keys()


def lines():
    try:
        raise ValueError("on purpose")
    except ValueError:
        assert 'raise ValueError("on purpose")' in traceback.format_exc()

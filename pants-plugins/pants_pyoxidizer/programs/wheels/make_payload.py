# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Turns wheels into the payload of a program.

usage: runtime wheel [--sources] --output PART WHEEL
       runtime wheel [--sources] --output FOLDER --files WHEEL
       runtime modules --output PART FOLDER
       runtime program [--sources] --output EXECUTABLE [--sidecar] [--interpreter]
               [--variables] [--module M [--function F]] {--part PART | --wheel WHEEL}...

The runtime itself runs this program, so that the bytecode fits its Python.

`wheel` prepares one wheel: as a payload that starts nothing, or as files in a folder like
site-packages. `modules` prepares the modules in a folder, compressed. `program` copies the runtime
and appends all parts and wheels to it, or writes them beside it. It takes wheels unprepared, too,
which saves a process for those that change with each edit. Of several files with the same path, the
first one counts.

Modules become bytecode; with `--sources`, all their sources are included, compressed in a payload.
A module that does not compile stays source, and fails when it is imported, as it would elsewhere.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib.util
import io
import marshal
import os
import re
import shutil
import sys
import warnings
import zipfile
from types import CodeType
from typing import Any, Container, Iterable, Mapping, NamedTuple, Sequence

from pants_pyoxidizer.startup.importer import UNCHECKED_PYC
from pants_pyoxidizer.startup.payload import SUFFIX, Payload, PayloadError, Writer, open_file

from .wheel_content import SCRIPT, installed_path, is_of_use, stays_inside

PLAIN_NAME = re.compile(r"[\w-]+")  # Unlike that of a template, such as `{{name}}`.
RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
PYC_HEADER_SIZE = 16


class Input(NamedTuple):
    """What goes into a program."""

    kind: str  # "part" or "wheel"
    path: str


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    wheel = commands.add_parser("wheel")
    wheel.add_argument("--output", required=True)
    wheel.add_argument("--files", action="store_true")
    wheel.add_argument("--sources", action="store_true")
    wheel.add_argument("wheel")
    modules = commands.add_parser("modules")
    modules.add_argument("--output", required=True)
    modules.add_argument("folder")
    program = commands.add_parser("program")
    program.add_argument("--output", required=True)
    program.add_argument("--sidecar", action="store_true")
    program.add_argument("--sources", action="store_true")
    program.add_argument("--interpreter", action="store_true")
    program.add_argument("--variables", action="store_true")
    program.add_argument("--module")
    program.add_argument("--function")
    for kind in ("part", "wheel"):
        program.add_argument(
            f"--{kind}",
            dest="inputs",
            action="append",
            default=[],
            type=functools.partial(Input, kind),
        )
    options = parser.parse_args(arguments)
    if options.command == "wheel":
        with zipfile.ZipFile(options.wheel) as archive:
            write = write_files if options.files else write_part
            write(archive, options.output, options.sources)
    elif options.command == "modules":
        write_modules(options.folder, options.output)
    else:
        write_program(options)
    return 0


# --- One wheel ---


def installed_files(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members to install, by their sorted paths in a folder like site-packages.

    Raises:
        PayloadError: when a path leads out of that folder. `inspect_wheels` refuses such wheels
            before, but this is where the paths start to be written to.
    """
    paths = {}
    for member in archive.infolist():
        path = installed_path(member.filename)
        if path and is_of_use(path) and not member.is_dir():
            if not stays_inside(path):
                raise PayloadError(f"{archive.filename} would write to {path!r}")
            paths[path] = member
    return dict(sorted(paths.items()))


def write_part(archive: zipfile.ZipFile, output: str, with_sources: bool) -> None:
    with open(output, "wb") as file:
        writer = Writer(file)
        add_wheel(writer, archive, with_sources)
        writer.finish()


def add_wheel(writer: Writer, archive: zipfile.ZipFile, with_sources: bool) -> None:
    files = installed_files(archive)
    kept = []
    for path, member in files.items():
        if SCRIPT.match(member.filename):
            continue  # Nothing in a payload could start it.
        data = archive.read(member)
        name = import_path(path)
        if path.endswith(".pyc") and source_path(path) in files:
            continue
        code = bytecode(path, data) if name else None
        if name and (code is not None or path.endswith(".py")):
            writer.add_module(name, source_path(path), is_package(path), code)
        if code is None or (path.endswith(".py") and keeps_source(path, files, with_sources)):
            kept.append((path, data))
    # After the code, which a start reads: fewer pages are read for it then.
    for path, data in kept:
        writer.add_file(path, data, compress=path.endswith(".py"))


def write_files(archive: zipfile.ZipFile, output: str, with_sources: bool) -> None:
    os.makedirs(output)
    files = installed_files(archive)
    recorded: dict[str, list[str]] = {}
    for path, member in files.items():
        data = archive.read(member)
        is_script = SCRIPT.match(member.filename) is not None
        if is_script and data.startswith(b"#!"):
            continue  # There is no Python that could run it.
        is_module = not is_script and path.endswith(".py") and import_path(path)
        code = bytecode(path, data) if is_module else None
        with_source = code is None or keeps_source(path, files, with_sources)
        # Before 3.12, Python tells modules of a distribution by `.py`, and does not check that its
        # files exist.
        paths = [path] if with_source or sys.version_info < (3, 12) else []
        if code is not None:
            paths.append(compiled_path(path, with_source))
            write_file(output, paths[-1], UNCHECKED_PYC + code)
        recorded[member.filename] = paths
        if with_source:
            # The wheel has the modes of shared libraries and programs.
            is_executable = bool(member.external_attr >> 16 & 0o111)
            write_file(output, path, data, 0o755 if is_executable else 0o644)
    for path, member in files.items():
        if RECORD.fullmatch(path):
            write_file(output, path, installed_record(archive.read(member), recorded))


def installed_record(record: bytes, recorded: Mapping[str, Sequence[str]]) -> bytes:
    """The RECORD of what is installed.

    `recorded` maps each path in the wheel's RECORD to those that replace it. Bytecode needs neither
    hash nor size there.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    for name, *rest in filter(None, csv.reader(record.decode().splitlines())):
        for path in recorded.get(name, ()):
            writer.writerow((path, "", "") if path.endswith(".pyc") else (path, *rest))
    return output.getvalue().encode()


def write_file(folder: str, path: str, data: bytes, mode: int = 0o644) -> None:
    file = os.path.join(folder, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as stream:
        stream.write(data)
    os.chmod(file, mode)


def import_path(path: str) -> str | None:
    """The path of a module without its suffix, or for a package, that of its folder.

    The name need not be an identifier: `importlib.import_module` takes any.
    """
    stem, suffix = os.path.splitext(path)
    if suffix not in (".py", ".pyc") or "." in stem:
        return None
    return stem[: -len("/__init__")] if is_package(path) else stem


def is_package(path: str) -> bool:
    return os.path.splitext(path)[0].endswith("/__init__")


def keeps_source(path: str, files: Container[str], with_sources: bool) -> bool:
    """Whether a module's source is included. It always is when it may be data, such as a template.

    A source may be data when its name is unusual, or when its folder is not a package but lies in
    one.
    """
    *folders, name = os.path.splitext(path)[0].split("/")
    if with_sources or not all(map(PLAIN_NAME.fullmatch, (*folders, name))):
        return True
    are_packages = [
        f"{'/'.join(folders[:depth])}/__init__.py" in files for depth in range(1, len(folders) + 1)
    ]
    # Namespace packages (PEP 420) come first.
    return are_packages != sorted(are_packages)


def source_path(path: str) -> str:
    return f"{os.path.splitext(path)[0]}.py"


def compiled_path(path: str, with_source: bool) -> str:
    """Where Python looks for the bytecode of a source: beside it, or in place of it."""
    return importlib.util.cache_from_source(path) if with_source else f"{path}c"


def bytecode(path: str, data: bytes) -> bytes | None:
    """The marshalled code of a module, or None if this interpreter cannot run or compile it."""
    if path.endswith(".pyc"):
        is_ours = data.startswith(importlib.util.MAGIC_NUMBER)
        return data[PYC_HEADER_SIZE:] if is_ours else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code: CodeType = compile(data, path, "exec", dont_inherit=True, optimize=0)
            has_order = sys.version_info >= (3, 11) or not has_set(code)
            return marshal.dumps(code) if has_order else dump_sorted(code)
        # ValueError: it has null bytes, or marshal finds it nested too deeply. The parser says that
        # with a MemoryError.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def has_set(value: object) -> bool:
    if isinstance(value, CodeType):
        return has_set(value.co_consts)
    return isinstance(value, frozenset) or isinstance(value, tuple) and any(map(has_set, value))


def dump_sorted(value: Any) -> bytes:
    """Marshal code reproducibly: the order of a set's items differs from process to process.

    From Python 3.11 on, marshal sorts them itself. The format is that of Python 3.8 to 3.10 (see
    `marshal.c`), without back references.
    """
    if isinstance(value, tuple):
        return b"(" + dump_items(map(dump_sorted, value))
    if isinstance(value, frozenset):
        return b">" + dump_items(sorted(map(dump_sorted, value)))
    if isinstance(value, CodeType):
        return b"c" + dump_code(value)
    return marshal.dumps(value, 2)  # Version 2 has no back references, either.


def dump_items(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return len(items).to_bytes(4, "little") + b"".join(items)


def dump_code(code: Any) -> bytes:
    numbers = ("argcount", "posonlyargcount", "kwonlyargcount", "nlocals", "stacksize", "flags")
    objects = ("code", "consts", "names", "varnames", "freevars", "cellvars", "filename", "name")
    lines = "linetable" if hasattr(code, "co_linetable") else "lnotab"
    return b"".join(
        (
            *(getattr(code, f"co_{name}").to_bytes(4, "little") for name in numbers),
            *(dump_sorted(getattr(code, f"co_{name}")) for name in objects),
            code.co_firstlineno.to_bytes(4, "little"),
            dump_sorted(getattr(code, f"co_{lines}")),
        )
    )


# --- Modules in a folder ---


def write_modules(folder: str, output: str) -> None:
    paths = sorted(
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, names in os.walk(folder)
        for name in names
    )
    with open(output, "wb") as file:
        writer = Writer(file, compress=True)
        for path in paths:
            with open(os.path.join(folder, path), "rb") as source:
                code = bytecode(path, source.read())
            name = import_path(path)
            if name and code is not None:
                writer.add_module(name, path, is_package(path), code)
        writer.finish()


# --- The program ---


def write_program(options: argparse.Namespace) -> None:
    # `copyfile` has the kernel copy, which is fastest.
    shutil.copyfile(sys.executable, options.output)
    os.chmod(options.output, 0o755)
    with open(options.output + SUFFIX if options.sidecar else options.output, "ab") as file:
        writer = Writer(file)
        for kind, path in options.inputs:
            if kind == "wheel":
                with zipfile.ZipFile(path) as archive:
                    add_wheel(writer, archive, options.sources)
            else:
                writer.add_payload(read_part(path))
        writer.finish(options.module, options.function, options.interpreter, options.variables)


def read_part(path: str) -> Payload:
    part = open_file(path)
    if part is None:
        raise PayloadError(f"{path} is not part of a payload")
    return part


if __name__ == "__main__":
    sys.exit(main())

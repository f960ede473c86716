# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Imports the modules of a payload, as `zipimport` does those of a zip file.

The entry of `sys.path` is the path of the file with the payload, and the modules' paths are below
it, such as `/opt/app/bin/pkg/module.py`. So are those of the standard library, which PyOxidizer's
importer loads from the executable. Modules in `lib` are loaded from their bytecode, which is not
checked against the source.
"""

import marshal
import sys
from importlib._bootstrap_external import MAGIC_NUMBER  # type: ignore[import]
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from os.path import normpath

import _imp

from .payload import Payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Iterator, Optional, Tuple


# As PEP 552 has it: the source's hash follows, and is not to be checked.
UNCHECKED_PYC: bytes = MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
CACHE_TAG = sys.implementation.cache_tag
CODE = type((lambda: None).__code__)


class PayloadLoader(SourcelessFileLoader):
    """Loads one module.

    The base class executes it, so that no frame of ours shows in tracebacks.
    """

    def __init__(self, payload: Payload, key: str, fullname: str) -> None:
        path, self._is_package, self._code = payload.modules[key]
        super().__init__(fullname, f"{payload.path}/{path}")
        self.payload = payload

    def is_package(self, fullname: str) -> bool:
        return self._is_package

    def get_code(self, fullname: str) -> "Optional[CodeType]":
        # `PayloadFinder` gives modules without code the other loader.
        return located(marshal.loads(self.payload.read(self._code)), self.path)  # type: ignore[arg-type]

    def get_source(self, fullname: str) -> "Optional[str]":
        try:
            data = self.get_data(self.path)
        except OSError:
            return None
        from importlib.util import decode_source

        return decode_source(data)

    def get_data(self, path: str) -> bytes:
        """Raises FileNotFoundError for what is not in the payload."""
        root = self.payload.path + "/"
        name = normpath(path[len(root) :]) if path.startswith(root) else ""
        contents = self.payload.files.get(name)
        if contents is None:
            raise FileNotFoundError(2, "No such file in the payload", path)
        return bytes(self.payload.read(contents))

    def get_resource_reader(self, fullname: str) -> "Any":
        from .resources import PayloadReader

        return (
            PayloadReader(self.payload, self.path.rpartition("/")[0]) if self._is_package else None
        )


class PayloadSourceLoader(PayloadLoader):
    """Loads a module that has only source.

    Python's own methods compile it, so that no frame of ours shows in a SyntaxError's traceback.
    """

    get_code = SourceFileLoader.get_code
    source_to_code = SourceFileLoader.source_to_code

    def path_stats(self, path: str) -> "Any":
        """Raise OSError: there is no cached bytecode to compare with."""
        raise OSError


def loader_of(payload: Payload, key: str, fullname: str) -> PayloadLoader:
    has_code = payload.modules[key][2] is not None
    return (PayloadLoader if has_code else PayloadSourceLoader)(payload, key, fullname)


def find_module(payload: Payload, path: str) -> "Optional[PayloadLoader]":
    """The module that has this path, if it is no package, to be run as `__main__`."""
    name = path[len(payload.path) + 1 :]
    key = name.rpartition(".")[0]
    if path != f"{payload.path}/{name}" or payload.modules.get(key, ("",))[0] != name:
        return None
    return loader_of(payload, key, "__main__")


class PayloadFinder:
    """Finds modules in one folder of a payload. `folder` is "" or ends with "/"."""

    def __init__(self, payload: Payload, folder: str) -> None:
        self.payload = payload
        self.folder = folder

    def find_spec(self, fullname: str, target: "Any" = None) -> "Optional[ModuleSpec]":
        key = self.folder + fullname.rpartition(".")[2]
        module = self.payload.modules.get(key)
        if module is not None:
            loader = loader_of(self.payload, key, fullname)
            spec = ModuleSpec(
                fullname, loader, origin=loader.path, is_package=loader.is_package(fullname)
            )
            spec.has_location = True
        elif key in self.payload.namespaces:
            spec = ModuleSpec(fullname, None, is_package=True)
        else:
            return None
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations = [f"{self.payload.path}/{key}"]
        return spec

    def invalidate_caches(self) -> None:
        """Do nothing, because payloads do not change."""

    def iter_modules(self, prefix: str = "") -> "Iterator[Tuple[str, bool]]":
        """For `pkgutil.iter_modules`."""
        for key, (_, is_package, _) in self.payload.modules.items():
            folder, slash, name = key.rpartition("/")
            if folder + slash == self.folder and name != "__init__":
                yield prefix + name, is_package


class SourceFolderLoader(SourceFileLoader):
    """Loads a module in `lib` from the bytecode that was made for it, which no source is compared with.

    The base class does the same, with more steps; it is also for what has no such bytecode.
    """

    def get_code(self, fullname: str) -> "Optional[CodeType]":
        folder, _, name = self.path.rpartition("/")
        try:
            data = self.get_data(f"{folder}/__pycache__/{name[:-3]}.{CACHE_TAG}.pyc")
        except OSError:
            data = b""
        if not data.startswith(UNCHECKED_PYC):
            return super().get_code(fullname)
        return located(marshal.loads(memoryview(data)[len(UNCHECKED_PYC) :]), self.path)


class BytecodeFolderLoader(SourcelessFileLoader):
    """Loads a module in `lib` that has no source. The base class leaves a relative path in its code."""

    def get_code(self, fullname: str) -> "Optional[CodeType]":
        code = super().get_code(fullname)
        # Where a source would be: for `pkg/mod.pyc`, as `inspect` takes it, `pkg/mod.py`.
        return located(code, self.path[:-1])  # type: ignore[arg-type]


def located(code: "CodeType", path: str) -> "CodeType":
    """The code, with its file name replaced by where it lies, as Python's own loaders do it."""
    _imp._fix_co_filename(code, path)  # type: ignore[attr-defined]
    return code


class DistributionFinder:
    """Finds metadata for `importlib.metadata`. On `sys.meta_path`, it finds no modules."""

    def __init__(self, payload: Payload) -> None:
        self.payload = payload

    def find_spec(self, fullname: str, path: "Any" = None, target: "Any" = None) -> None:
        return None

    def find_distributions(self, context: "Any") -> "Iterator[Any]":
        from .metadata import find_distributions

        return find_distributions(self.payload, context)


class StandardLibraryLoader(SourcelessFileLoader):
    """Loads a module from PyOxidizer's importer, `finder`, with `path` for its file name.

    Without this, code names its module: `json.decoder`.
    """

    def __init__(self, finder: "Any", fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._finder = finder

    def get_code(self, fullname: str) -> "Optional[CodeType]":
        return located(self._finder.get_code(fullname), self.path)

    def get_resource_reader(self, fullname: str) -> "Any":
        return self._finder.get_resource_reader(fullname)


class LocatingFinder:
    """Wraps PyOxidizer's importer, `finder`, to give its modules and their code a file name.

    Much code reads `os.__file__`, if only to tell the standard library from other code. As with
    modules of a payload, the file does not exist.
    """

    def __init__(self, finder: "Any", executable: str) -> None:
        self._finder = finder
        self._executable = executable

    def find_spec(
        self, fullname: str, path: "Any" = None, target: "Any" = None
    ) -> "Optional[ModuleSpec]":
        spec: "Optional[ModuleSpec]" = self._finder.find_spec(fullname, path, target)
        if spec is not None and self.locate(spec):
            spec.loader = StandardLibraryLoader(self._finder, fullname, spec.origin)  # type: ignore
        return spec

    def locate(self, spec: ModuleSpec) -> bool:
        """Set the origin of a module in the executable. Returns whether it is one, not built in."""
        if spec.loader is not self._finder or spec.origin is not None:
            return False
        is_package = spec.submodule_search_locations is not None
        path = spec.name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
        spec.origin = f"{self._executable}/{path}"
        spec.has_location = True
        return True


def locate_stdlib(executable: str) -> None:
    """Give the modules of PyOxidizer's importer a file name, those already loaded included."""
    for index, finder in enumerate(sys.meta_path):
        if type(finder).__name__ == "OxidizedFinder":
            locating = LocatingFinder(finder, executable)
            for module in list(sys.modules.values()):
                spec = getattr(module, "__spec__", None)
                if spec is not None and locating.locate(spec):
                    module.__file__ = spec.origin
                    locate_functions(module, spec.name)
            sys.meta_path.insert(index, locating)
            break


def locate_functions(module: "Any", name: str) -> None:
    """Replace the file name `name` in the code of a loaded module by its `__file__`."""
    values = list(vars(module).values())
    classes = [it for it in values if isinstance(it, type) and it.__module__ == name]
    for value in [*values, *(it for cls in classes for it in vars(cls).values())]:
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        if type(code) is CODE and code.co_filename == name:
            located(code, module.__file__)


def install(payload: Payload) -> None:
    """Make the modules of a payload importable, ahead of those in folders."""

    def path_hook(path: str) -> "Any":
        if path == payload.path:
            return PayloadFinder(payload, "")
        if isinstance(path, str) and path.startswith(payload.path + "/"):
            folder = path[len(payload.path) + 1 :].rstrip("/")
            # Python would look for a script in what is no folder, and find another on `sys.path`.
            if folder in payload.namespaces or payload.modules.get(folder, ("", False))[1]:
                return PayloadFinder(payload, f"{folder}/")
        raise ImportError(f"{path} is no folder in the payload")

    sys.path_hooks.insert(0, path_hook)
    sys.path.insert(0, payload.path)
    sys.path_importer_cache.pop(payload.path, None)
    sys.meta_path.append(DistributionFinder(payload))


def install_folder(folder: str) -> None:
    """Have modules below a folder that is laid out as `lib` loaded by the loaders above."""
    make_finder = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (SourceFolderLoader, SOURCE_SUFFIXES),
        (BytecodeFolderLoader, BYTECODE_SUFFIXES),
    )

    def path_hook(path: str) -> "Any":
        if isinstance(path, str) and f"{path}/".startswith(f"{folder}/"):
            return make_finder(path)
        raise ImportError(f"{path} is not in {folder}")

    sys.path_hooks.insert(0, path_hook)
    sys.path_importer_cache.pop(folder, None)

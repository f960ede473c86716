# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""What the standard library says of where things are installed.

All is in the executable, and in the folder `lib` beside it, which is laid out like site-packages.
What distributions bring for elsewhere, such as `share/jupyter`, lies there as well.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional


def correct(folder: str) -> None:
    """Name this `lib`, and nothing that is not there."""
    sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = folder
    sys.meta_path.insert(
        0,
        CorrectingFinder(
            {"site": correct_site, "sysconfig": correct_sysconfig, "venv": correct_venv}
        ),
    )


class CorrectingFinder:
    """Finds modules as the others do, and has a function called with each right after its import."""

    def __init__(self, corrections: "Dict[str, Callable[[ModuleType], None]]") -> None:
        self._corrections = corrections

    def find_spec(
        self, fullname: str, path: "Any" = None, target: "Any" = None
    ) -> "Optional[ModuleSpec]":
        correct = self._corrections.get(fullname)
        if correct is None:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None:
            spec.loader = CorrectingLoader(spec.loader, correct)  # type: ignore[assignment]
        return spec


class CorrectingLoader:
    def __init__(self, loader: "Any", correct: "Callable[[ModuleType], None]") -> None:
        self._loader = loader
        self._correct = correct

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def exec_module(self, module: "ModuleType") -> None:
        self._loader.exec_module(module)
        self._correct(module)


def correct_site(site: "Any") -> None:
    def getsitepackages(prefixes: "Any" = None) -> "List[str]":
        return [folder for folder in [sys.prefix] if os.path.isdir(folder)]

    site.getsitepackages = getsitepackages


def correct_sysconfig(sysconfig: "Any") -> None:
    schemes = sysconfig._INSTALL_SCHEMES
    for name, paths in schemes.items():
        # The others say how a user's folder, and a virtual environment, are laid out elsewhere.
        if not name.endswith(("_user", "venv")):
            schemes[name] = dict.fromkeys(paths, "{base}")


def correct_venv(venv: "Any") -> None:
    def create(self: "Any", env_dir: str) -> None:
        raise OSError(
            f"{sys.executable} cannot make virtual environments, which need an installed Python; "
            f"to fix, make {env_dir} with one"
        )

    venv.EnvBuilder.create = create

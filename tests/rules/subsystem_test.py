# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Iterable, Mapping

import pytest
from pants.backend.python.goals.export import ExportPythonTool
from pants.backend.python.goals.lockfile import GeneratePythonLockfile
from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import ConsoleScript
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest
from pants.backend.python.util_rules.pex_requirements import EntireLockfile, Lockfile
from pants.core.goals.generate_lockfiles import GenerateToolLockfileSentinel
from pants.core.util_rules.lockfile_metadata import calculate_invalidation_digest
from pants.engine.rules import TaskRule
from pants.engine.unions import UnionRule
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.ordered_set import FrozenOrderedSet

from pants_pyoxidizer import subsystem
from pants_pyoxidizer.subsystem import (
    PyOxidizer,
    PyOxidizerReport,
    PythonSource,
    RustSource,
)
from pants_pyoxidizer.util_rules.python.chosen_python import PYOXIDIZER_VERSIONS
from pants_pyoxidizer.util_rules.python.host_python import HOST_VERSIONS
from pants_pyoxidizer.util_rules.rust_toolchain import MINIMUM_VERSION

DEFAULT_REQUIREMENTS = ("pyoxidizer==0.24.0", "pip==23.3.2", "zstandard==0.23.0")
REPORT_REQUIREMENTS = ("cyclonedx-python-lib==9.1.0", "jsonschema==4.23.0")


def rule_runner(args: Iterable[str] = (), env: Mapping[str, str] | None = None) -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *PyOxidizer.rules(),
            QueryRule(PyOxidizer, ()),
            QueryRule(PyOxidizer.EnvironmentAware, ()),
        ]
    )
    runner.set_options(args, env=env)
    return runner


def pyoxidizer(*args: str) -> PyOxidizer:
    return rule_runner(args).request(PyOxidizer, [])


# --- Beside Pants' own backend


def test_enabling_both_backends_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = "pants.backend.experimental.python.packaging.pyoxidizer"
    monkeypatch.setitem(sys.modules, f"{own}.register", ModuleType("register"))
    with pytest.raises(SystemExit) as e:
        PyOxidizer.get_scope_info()
    assert e.value.code == 1
    assert capsys.readouterr() == (
        "",
        f"The backends `pants_pyoxidizer` and `{own}` cannot be enabled together, because both "
        "define the target type `pyoxidizer_binary`. To fix, remove the latter from "
        "`[GLOBAL].backend_packages`; the former replaces it.\n",
    )


# --- Options


def test_the_options_and_their_defaults() -> None:
    of_every_tool: dict[str, object] = {
        "console_script": "pyoxidizer",
        "entry_point": None,
        "extra_requirements": ["pip==23.3.2", "zstandard==0.23.0"],
        "install_from_resolve": None,
        "interpreter_constraints": ["CPython>=3.8,<3.14"],
        "lockfile": "<default>",
        "requirements": [],
        "version": "pyoxidizer==0.24.0",
    }
    assert pyoxidizer().options.as_dict() == {
        **of_every_tool,
        "args": [],
        "python": "host",
        "report": False,
        "rust": RustSource.AUTO,
        "crates_dir": None,
        "crates_config": None,
        "crates_credentials": None,
        "rust_search_path": ["<PATH>"],
        "c_toolchain_search_path": [
            "/usr/bin",
            "/bin",
            "/usr/local/bin",
            "/opt/homebrew/bin",
        ],
    }


def test_the_values_of_the_choices() -> None:
    assert [source.value for source in PythonSource] == ["host", "pyoxidizer"]
    assert [source.value for source in RustSource] == ["auto", "system", "managed"]


def listed(versions: list[str]) -> str:
    return f"{', '.join(versions[:-1])} or {versions[-1]}"


def help_of(option: str) -> str:
    return str(getattr(PyOxidizer, option).flag_options["help"])


def test_the_help_names_the_versions_that_are_supported() -> None:
    host, pyoxidizers = (
        sorted(versions, key=lambda version: int(version.partition(".")[2]))
        for versions in (HOST_VERSIONS, PYOXIDIZER_VERSIONS)
    )
    assert f"a CPython {listed(host)} of the build machine" in help_of("python")
    assert f"a CPython {listed(pyoxidizers)} that PyOxidizer downloads" in help_of("python")
    assert f"{'.'.join(map(str, MINIMUM_VERSION))} or newer" in help_of("rust")


def test_arguments_are_split_as_a_shell_does() -> None:
    args = pyoxidizer("--pyoxidizer-args=--release --target-triple='a b'").args
    assert args == ("--release", "--target-triple=a b")


def test_path_in_the_rust_search_path_stands_for_its_folders() -> None:
    runner = rule_runner(
        ["--pyoxidizer-rust-search-path=['/rust', '<PATH>', '/last', '/rust']"],
        env={"PATH": "/usr/bin::/bin:/usr/bin"},
    )
    assert runner.request(PyOxidizer.EnvironmentAware, []).rust_search_path == (
        "/rust",
        "/usr/bin",
        "/bin",
        "/last",
    )


def test_without_a_path_there_is_nothing_to_search() -> None:
    assert rule_runner().request(PyOxidizer.EnvironmentAware, []).rust_search_path == ()


# --- The lockfile


def run_tool_rule(output_type: type, tool: PythonToolBase) -> Any:
    """What the rule for this tool gives, of those with which Pants' goals find tools."""
    (rule,) = (
        rule
        for rule in subsystem.rules()
        if isinstance(rule, TaskRule)
        and rule.output_type is output_type
        and type(tool) in rule.input_selectors
    )
    return rule.func(None, tool)


def resolve_names() -> set[str]:
    """The resolves that `generate-lockfiles` knows by us."""
    return {
        getattr(rule.union_member, "resolve_name")  # noqa: B009
        for rule in subsystem.rules()
        if isinstance(rule, UnionRule) and rule.union_base is GenerateToolLockfileSentinel
    }


def test_the_shipped_lockfile_is_not_generated_anew() -> None:
    assert run_tool_rule(GeneratePythonLockfile, pyoxidizer()) == GeneratePythonLockfile(
        requirements=FrozenOrderedSet(),
        interpreter_constraints=InterpreterConstraints(),
        resolve_name="pyoxidizer",
        lockfile_dest="<default>",
        diff=False,
    )


def test_a_lockfile_of_the_users_is_generated() -> None:
    tool = pyoxidizer(
        "--pyoxidizer-lockfile=pyoxidizer.lock", "--pyoxidizer-version=pyoxidizer==0.23.0"
    )
    assert run_tool_rule(GeneratePythonLockfile, tool) == GeneratePythonLockfile(
        requirements=FrozenOrderedSet(("pyoxidizer==0.23.0", "pip==23.3.2", "zstandard==0.23.0")),
        interpreter_constraints=InterpreterConstraints(["CPython>=3.8,<3.14"]),
        resolve_name="pyoxidizer",
        lockfile_dest="pyoxidizer.lock",
        diff=False,
    )


def test_pants_finds_the_lockfile_by_its_resolve() -> None:
    assert resolve_names() == {"pyoxidizer", "pyoxidizer-report"}


def test_the_report_has_a_lockfile_and_an_export_of_its_own() -> None:
    runner = RuleRunner(rules=[*PyOxidizerReport.rules(), QueryRule(PyOxidizerReport, ())])
    runner.set_options(["--pyoxidizer-report-lockfile=report.lock"])
    tool = runner.request(PyOxidizerReport, [])
    assert run_tool_rule(GeneratePythonLockfile, tool) == GeneratePythonLockfile(
        requirements=FrozenOrderedSet(REPORT_REQUIREMENTS),
        interpreter_constraints=InterpreterConstraints(["CPython>=3.8,<3.14"]),
        resolve_name="pyoxidizer-report",
        lockfile_dest="report.lock",
        diff=False,
    )
    exported = run_tool_rule(ExportPythonTool, tool)
    assert exported == ExportPythonTool("pyoxidizer-report", tool.to_pex_request())


def test_the_tool_is_exported_from_its_lockfile() -> None:
    exported = run_tool_rule(ExportPythonTool, pyoxidizer())
    assert exported == ExportPythonTool(
        resolve_name="pyoxidizer",
        pex_request=PexRequest(
            output_filename="pyoxidizer.pex",
            internal_only=True,
            # And not those of the user's code, which may allow new Pythons only.
            interpreter_constraints=InterpreterConstraints(["CPython>=3.8,<3.14"]),
            requirements=EntireLockfile(
                Lockfile(
                    url="resource://pants_pyoxidizer/pyoxidizer.lock",
                    url_description_of_origin="The built-in default lockfile for pyoxidizer",
                    resolve_name="pyoxidizer",
                    lockfile_hex_digest=calculate_invalidation_digest(DEFAULT_REQUIREMENTS),
                ),
                complete_req_strings=DEFAULT_REQUIREMENTS,
            ),
            main=ConsoleScript("pyoxidizer"),
        ),
    )


@pytest.mark.parametrize("tool", [PyOxidizer, PyOxidizerReport])
@pytest.mark.parametrize(
    ("options", "constraints"),
    [
        pytest.param([], ["CPython>=3.8,<3.14"], id="the lockfile of the plugin"),
        pytest.param(["lockfile=own.lock"], ["CPython>=3.8,<3.14"], id="a lockfile of the user's"),
        pytest.param(
            ["interpreter-constraints=['==3.10.*']"], ["CPython==3.10.*"], id="the user's choice"
        ),
        # Pants then takes those that the resolve was locked for.
        pytest.param(["install-from-resolve=tools"], [], id="a resolve of the user's"),
        pytest.param(
            ["install-from-resolve=tools", "interpreter-constraints=['==3.10.*']"],
            ["CPython==3.10.*"],
            id="a resolve, and the user's choice",
        ),
    ],
)
def test_the_python_of_a_tool_does_not_depend_on_that_of_the_code(
    tool: type[PythonToolBase], options: list[str], constraints: list[str]
) -> None:
    runner = RuleRunner(rules=[*tool.rules(), QueryRule(tool, ())])
    runner.set_options([f"--{tool.options_scope}-{option}" for option in options])
    request = runner.request(tool, []).to_pex_request()
    assert request.interpreter_constraints == InterpreterConstraints(constraints)

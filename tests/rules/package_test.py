# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.target_types import PythonDistribution
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact
from pants.core.goals.run import RunRequest
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import AddPrefix, Digest, MergeDigests
from pants.engine.target import InvalidFieldException, InvalidTargetException, Targets
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import MockGet, run_rule_with_mocks

from pants_pyoxidizer.config import Config, PythonArchive
from pants_pyoxidizer.goals.package import (
    PyOxidizerBinary,
    PyOxidizerFieldSet,
    build_binary,
    package_binary,
)
from pants_pyoxidizer.goals.run import run_binary
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget
from pants_pyoxidizer.util_rules.build import Build, BuildRequest
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain
from pants_pyoxidizer.util_rules.contents import Contents, ContentsRequest, determine_contents
from pants_pyoxidizer.util_rules.distributions import (
    Distributions,
    DistributionsRequest,
    FirstPartyWheels,
    FirstPartyWheelsRequest,
)
from pants_pyoxidizer.util_rules.inspect_wheels import Wheels
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfig,
    RenderedConfigRequest,
    default_template,
)
from pants_pyoxidizer.util_rules.rust_toolchain import RustToolchain, SystemRust
from pants_pyoxidizer.util_rules.standalone_python import StandalonePython, StandalonePythonRequest
from pants_pyoxidizer.util_rules.third_party_wheels import ThirdPartyWheels, ThirdPartyWheelsRequest
from pants_pyoxidizer.wheel_metadata import Wheel

ADDRESS = Address("src/py/project", target_name="bin")
FIRST, THIRD, WHEELS, PYTHON, BUILT, RESULT = (Digest(letter * 64, 1) for letter in "abcdef")
CONSTRAINTS = InterpreterConstraints(["CPython>=3.9"])
DISTRIBUTIONS = Targets(
    [PythonDistribution({"provides": PythonArtifact(name="app")}, Address("src/py/app"))]
)
STANDALONE_PYTHON = StandalonePython(
    PythonArchive("python.tar.zst", "0123", "3.11"),
    version="3.11.7",
    target_triple="x86_64-unknown-linux-gnu",
    digest=PYTHON,
    description="Python 3.11.7 is inside.",
)
RUST = RustToolchain(SystemRust("/rust/bin/cargo", "/rust/bin/rustc", "rustc 1.80"))
C_TOOLCHAIN = CToolchain("/usr/bin", "cc 12")


def wheel(path: str, name: str, *modules: str) -> Wheel:
    return Wheel(
        path=path,
        filename=path.rpartition("/")[2],
        name=name,
        version="1.0",
        requires_dist=(),
        requires_python=None,
        provides_extra=(),
        tags=("py3-none-any",),
        root_is_purelib=True,
        modules=modules,
        packages=(),
        namespaces=(),
        executable_packages=(),
        native=False,
        data_files=(),
        sha256="",
    )


APP = wheel("app-1.0-py3-none-any.whl", "app", "app", "main")
SIX = wheel("third_party/six-1.0-py3-none-any.whl", "six", "six")


def field_set(address: Address = ADDRESS, **fields: Any) -> PyOxidizerFieldSet:
    return PyOxidizerFieldSet.create(
        PyOxidizerBinaryTarget({"dependencies": ["src/py/app"], **fields}, address)
    )


def render(config: Config) -> RenderedConfig:
    content = config.render(default_template()).encode()
    return RenderedConfig(Digest(sha256(content).hexdigest(), len(content)))


class Stages:
    """Runs `build_binary`, and keeps what it asks of each stage."""

    def __init__(
        self,
        field_set: PyOxidizerFieldSet,
        *,
        args: tuple[str, ...] = (),
        wrong_distributions: bool = False,
    ) -> None:
        self.requests: dict[type, Any] = {}
        distributions = (
            InvalidTargetException("no wheel")
            if wrong_distributions
            else Distributions(DISTRIBUTIONS, CONSTRAINTS)
        )
        mode = "release" if "--release" in args else "debug"
        install_dir = f"x86_64-unknown-linux-gnu/{mode}/install"
        self.binary: PyOxidizerBinary = run_rule_with_mocks(
            build_binary,
            rule_args=[field_set, create_subsystem(PyOxidizer, args=[*args])],
            mock_gets=[
                self._stage(Distributions, DistributionsRequest, lambda _: distributions),
                self._stage(StandalonePython, StandalonePythonRequest, lambda _: STANDALONE_PYTHON),
                MockGet(RustToolchain, (), lambda: RUST),
                MockGet(CToolchain, (), lambda: C_TOOLCHAIN),
                self._stage(
                    FirstPartyWheels,
                    FirstPartyWheelsRequest,
                    lambda _: FirstPartyWheels(Wheels(FIRST, (APP,))),
                ),
                self._stage(
                    ThirdPartyWheels,
                    ThirdPartyWheelsRequest,
                    lambda _: ThirdPartyWheels(Wheels(THIRD, (SIX,))),
                ),
                self._stage(Contents, ContentsRequest, determine_contents),
                self._stage(RenderedConfig, RenderedConfigRequest, lambda r: render(r.config)),
                MockGet(
                    Digest, (MergeDigests,), {MergeDigests((FIRST, THIRD)): WHEELS}.__getitem__
                ),
                self._stage(Build, BuildRequest, lambda r: Build(BUILT, f"{install_dir}/{r.name}")),
                self._stage(Digest, AddPrefix, lambda _: RESULT),
            ],
        )

    def _stage(self, output: type, request_type: type, give: Any) -> MockGet[Any]:
        def stage(request: object) -> Any:
            self.requests[request_type] = request
            result = give(request)
            if isinstance(result, Exception):
                raise result
            return result

        return MockGet(output, (request_type,), stage)

    def differ_from(self, other: Stages) -> set[type]:
        """The requests that would run again."""
        assert self.requests.keys() == other.requests.keys()
        return {kind for kind, request in self.requests.items() if request != other.requests[kind]}


# --- The chain


def test_each_stage_gets_what_those_before_it_gave() -> None:
    target = field_set(entry_point="main", filesystem_resources=["six"], binary_name="my-app")
    stages = Stages(target, args=("--release",))
    contents_request = ContentsRequest(
        address=ADDRESS,
        entry_point="main",
        filesystem_resources=("six",),
        first_party=(APP,),
        third_party=(SIX,),
        python_version="3.11.7",
        target_triple="x86_64-unknown-linux-gnu",
    )
    contents: Contents = determine_contents(contents_request)
    assert contents == Contents(contents.run_command, (APP.path,), (SIX.path,))
    config = Config(
        "my-app", STANDALONE_PYTHON.python, contents.run_command, (APP.path,), (SIX.path,)
    )
    assert stages.requests == {
        DistributionsRequest: DistributionsRequest(target.dependencies),
        StandalonePythonRequest: StandalonePythonRequest(ADDRESS, CONSTRAINTS),
        FirstPartyWheelsRequest: FirstPartyWheelsRequest(DISTRIBUTIONS),
        ThirdPartyWheelsRequest: ThirdPartyWheelsRequest(
            Addresses([Address("src/py/app")]), InterpreterConstraints(["CPython==3.11.7"])
        ),
        ContentsRequest: contents_request,
        RenderedConfigRequest: RenderedConfigRequest(target.template, config),
        BuildRequest: BuildRequest(
            address=ADDRESS,
            name="my-app",
            args=("--release",),
            config=render(config),
            python=STANDALONE_PYTHON,
            rust=RUST,
            c_toolchain=C_TOOLCHAIN,
            wheels=WHEELS,
            wheel_dirs=(".", "third_party"),
        ),
        AddPrefix: AddPrefix(BUILT, "src.py.project/bin"),
    }
    assert stages.requests[BuildRequest].address == ADDRESS
    assert stages.binary == PyOxidizerBinary(
        RESULT,
        install_dir="src.py.project/bin/x86_64-unknown-linux-gnu/release/install",
        executable="src.py.project/bin/x86_64-unknown-linux-gnu/release/install/my-app",
        python=STANDALONE_PYTHON,
    )


def test_nothing_else_is_asked_for_when_no_wheel_can_come() -> None:
    with pytest.raises(InvalidTargetException, match="^no wheel$"):
        Stages(field_set(), wrong_distributions=True)


def test_a_name_that_cannot_be_a_binarys_is_found_before_all() -> None:
    target = field_set(Address("src/py", target_name="my app"))
    with pytest.raises(InvalidFieldException):
        build_binary(target, create_subsystem(PyOxidizer)).send(None)  # Its first request.


# --- Where it lies below `--distdir`


@pytest.mark.parametrize(
    ("address", "fields", "executable"),
    [
        (ADDRESS, {}, "src.py.project/bin/{}/bin"),
        (Address("", target_name="bin"), {}, "bin/{}/bin"),
        (ADDRESS, {"binary_name": "my-app"}, "src.py.project/bin/{}/my-app"),
        (ADDRESS, {"output_path": "apps/one"}, "apps/one/{}/bin"),
    ],
)
def test_the_scheme_of_the_manual(
    address: Address, fields: dict[str, str], executable: str
) -> None:
    binary = Stages(field_set(address, **fields)).binary
    assert binary.executable == executable.format("x86_64-unknown-linux-gnu/debug/install")
    assert binary.install_dir == binary.executable.rpartition("/")[0]


# --- What runs again


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"tags": ["a"], "description": "An app."}, set()),
        ({"output_path": "apps"}, {AddPrefix}),
        ({"template": "own.bzlt"}, {RenderedConfigRequest}),
        ({"binary_name": "app"}, {RenderedConfigRequest, BuildRequest}),
        ({"entry_point": "main"}, {ContentsRequest, RenderedConfigRequest, BuildRequest}),
        ({"filesystem_resources": []}, set()),
        (
            {"filesystem_resources": ["six"]},
            {ContentsRequest, RenderedConfigRequest, BuildRequest},
        ),
    ],
)
def test_a_changed_field_runs_only_the_stages_that_it_matters_to(
    changed: dict[str, Any], again: set[type]
) -> None:
    assert Stages(field_set(**changed)).differ_from(Stages(field_set())) == again


def test_pyoxidizers_arguments_matter_to_its_run_only() -> None:
    release = Stages(field_set(), args=("--release",))
    assert release.differ_from(Stages(field_set())) == {BuildRequest}


def test_targets_alike_share_all_that_takes_long() -> None:
    other = Stages(field_set(Address("other", target_name="bin")))
    assert other.differ_from(Stages(field_set())) == {
        # These carry the address for errors, and start no process of their own.
        DistributionsRequest,
        StandalonePythonRequest,
        ContentsRequest,
        RenderedConfigRequest,
        AddPrefix,
    }


# --- The goals

BINARY = PyOxidizerBinary(
    RESULT,
    install_dir="project/bin/triple/debug/install",
    executable="project/bin/triple/debug/install/my-app",
    python=STANDALONE_PYTHON,
)


def built(target: PyOxidizerFieldSet) -> MockGet[PyOxidizerBinary]:
    return MockGet(PyOxidizerBinary, (PyOxidizerFieldSet,), {target: BINARY}.__getitem__)


def test_package_names_the_folder_and_says_which_python_is_inside() -> None:
    target = field_set()
    package = run_rule_with_mocks(package_binary, rule_args=[target], mock_gets=[built(target)])
    assert package == BuiltPackage(
        RESULT,
        (
            BuiltPackageArtifact(
                "project/bin/triple/debug/install", extra_log_lines=("Python 3.11.7 is inside.",)
            ),
        ),
    )


def test_run_starts_the_executable_that_was_built() -> None:
    target = field_set()
    request = run_rule_with_mocks(run_binary, rule_args=[target], mock_gets=[built(target)])
    assert request == RunRequest(
        digest=RESULT, args=("{chroot}/project/bin/triple/debug/install/my-app",)
    )

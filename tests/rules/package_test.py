# Licensed under the Apache License, Version 2.0 (see LICENSE).

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Callable, Union

import pytest
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.target_types import PythonDistribution
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact
from pants.core.goals.run import RunRequest
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import AddPrefix, Digest
from pants.engine.target import InvalidFieldException, InvalidTargetException, Targets
from pants.testutil.option_util import create_subsystem

from pants_pyoxidizer.configuration.config import Config, PythonArchive
from pants_pyoxidizer.engine import add_prefix
from pants_pyoxidizer.goals.package import package_binary
from pants_pyoxidizer.goals.run import run_binary
from pants_pyoxidizer.subsystem import PyOxidizer
from pants_pyoxidizer.target_types import PyOxidizerBinaryTarget
from pants_pyoxidizer.util_rules.artifact import ArtifactRequest, make_artifact
from pants_pyoxidizer.util_rules.binary import (
    BuildTools,
    Ingredients,
    PyOxidizerBinary,
    PyOxidizerFieldSet,
    build_binary,
    build_from_runtime,
    build_from_template,
    check_fields,
    collect_ingredients,
    find_build_tools,
)
from pants_pyoxidizer.util_rules.build import Build, BuildRequest, build
from pants_pyoxidizer.util_rules.c_toolchain import CToolchain, CToolchainRequest, find_c_toolchain
from pants_pyoxidizer.util_rules.contents import Contents, ContentsRequest, determine_contents
from pants_pyoxidizer.util_rules.distributions import (
    Distributions,
    DistributionsRequest,
    FirstPartyWheels,
    FirstPartyWheelsRequest,
    build_first_party_wheels,
    find_distributions,
)
from pants_pyoxidizer.util_rules.inspected_wheels import InspectedWheels
from pants_pyoxidizer.util_rules.named_caches import UsableNamedCaches, check_named_caches
from pants_pyoxidizer.util_rules.output_path import (
    UniqueOutputPath,
    UniqueOutputPathRequest,
    find_unique_output_path,
)
from pants_pyoxidizer.util_rules.prepared_payload import (
    PreparedPayload,
    PreparedPayloadRequest,
    PreparedWheel,
    PreparedWheelRequest,
    RarelyUsedModules,
    RarelyUsedModulesRequest,
    overlay_digests,
    prepare_payload,
    prepare_rarely_used_modules,
    prepare_wheel,
)
from pants_pyoxidizer.util_rules.python.chosen_python import (
    ChosenPython,
    ChosenPythonRequest,
    choose_python,
)
from pants_pyoxidizer.util_rules.python.standalone_python import HostPython
from pants_pyoxidizer.util_rules.rendered_config import (
    RenderedConfig,
    RenderedConfigRequest,
    Template,
    TemplateRequest,
    read_template,
    render_config,
)
from pants_pyoxidizer.util_rules.report import CrateListRequest, Report, ReportRequest, write_report
from pants_pyoxidizer.util_rules.runtime import Runtime, RuntimeRequest, build_runtime
from pants_pyoxidizer.util_rules.rust_toolchain import (
    RustToolchain,
    SystemRust,
    find_rust_toolchain,
)
from pants_pyoxidizer.util_rules.third_party_wheels import (
    ThirdPartyWheels,
    ThirdPartyWheelsRequest,
    resolve_third_party_wheels,
)
from pants_pyoxidizer.wheels.entry_point import EntryPoint
from pants_pyoxidizer.wheels.metadata import Wheel
from pants_pyoxidizer.wheels.placement import Location, Placement, Resources
from rules.file_operations import FileOperations
from rules.mocks import Mocks, run_rule
from unit.wheels import wheel

ADDRESS = Address("src/py/project", target_name="bin")
PYTHON, BUILT = (Digest(letter * 64, 1) for letter in "ab")
CONSTRAINTS = InterpreterConstraints(["CPython>=3.9"])
DISTRIBUTIONS = Targets(
    [PythonDistribution({"provides": PythonArtifact(name="app")}, Address("src/py/app"))]
)
GOOD_DISTRIBUTIONS = Distributions(DISTRIBUTIONS, CONSTRAINTS)
GOOD_TEMPLATE = Template("exe = 1")
STANDALONE_PYTHON = HostPython(
    PythonArchive("python.tar.zst", "0123", "3.11"),
    version="3.11.7",
    target_triple="x86_64-unknown-linux-gnu",
    digest=PYTHON,
    host_python=".cache/links/python",
    description="Contains Python 3.11.7.",
)
RUST = RustToolchain(SystemRust(".cache/links/rust", "rustc 1.80"))
C_TOOLCHAIN = CToolchain("/usr/bin", "cc 12")

APP = wheel("app", files=("app.py", "main.py"), sha256="app", folder="")
SIX = wheel("six", files=("six.py",), sha256="six", folder="third_party/")

DEFAULT_WAY: dict[str, Any] = {}
TEMPLATE_WAY: dict[str, Any] = {"template": "own.bzlt"}

FILES = FileOperations()

# What a stage is known by: the type of its request, or the path of the wheel to prepare.
Stage = Union[type, str]


def field_set(address: Address = ADDRESS, **fields: Any) -> PyOxidizerFieldSet:
    return PyOxidizerFieldSet.create(
        PyOxidizerBinaryTarget({"dependencies": ["src/py/app"], **fields}, address)
    )


def wheel_files(*wheels: Wheel) -> Digest:
    return FILES.digest({wheel.path: wheel.sha256 for wheel in wheels})


def rendered(request: RenderedConfigRequest) -> RenderedConfig:
    return RenderedConfig(FILES.digest({"pyoxidizer.bzl": repr(request.config)}))


def install_dir(args: tuple[str, ...]) -> str:
    mode = "release" if "--release" in args else "debug"
    return f"x86_64-unknown-linux-gnu/{mode}/install"


def runtime(request: RuntimeRequest) -> Runtime:
    return Runtime(
        executable=FILES.digest({"runtime": repr(request.args)}),
        sidecar=FILES.digest({"lib/_ssl.so": ""}),
        rarely_used=FILES.digest({"rarely_used/uu.py": ""}),
        install_dir=install_dir(request.args),
    )


def prepared(request: PreparedWheelRequest) -> PreparedWheel:
    filename = request.path.rpartition("/")[2]
    folder = "lib" if request.on_filesystem else "__parts"
    return PreparedWheel(FILES.digest({f"{folder}/{filename}.part": repr(request)}))


class Stages:
    """Runs `build_binary` and the rules below it, and keeps what each stage is asked for."""

    def __init__(
        self,
        field_set: PyOxidizerFieldSet,
        *,
        args: tuple[str, ...] = (),
        first: Wheel = APP,
        third: Wheel = SIX,
        distributions: Distributions | Exception = GOOD_DISTRIBUTIONS,
        template: Template | Exception = GOOD_TEMPLATE,
        requests: dict[Stage, Any] | None = None,
    ) -> None:
        self.requests: dict[Stage, Any] = {} if requests is None else requests
        pyoxidizer = create_subsystem(PyOxidizer, args=[*args])
        first_party = FirstPartyWheels(InspectedWheels(wheel_files(first), (first,)))
        third_party = ThirdPartyWheels(InspectedWheels(wheel_files(third), (third,)))
        self._mocks: Mocks = {
            find_distributions: self._stage(lambda _: distributions),
            check_named_caches: lambda: UsableNamedCaches(),
            choose_python: self._stage(lambda _: ChosenPython(STANDALONE_PYTHON)),
            read_template: self._stage(lambda _: template),
            # Once, as in the engine.
            check_fields: functools.lru_cache(maxsize=None)(self._rule(check_fields)),
            find_rust_toolchain: lambda: RUST,
            find_build_tools: self._rule(find_build_tools, pyoxidizer),
            find_c_toolchain: self._stage(lambda _: C_TOOLCHAIN),
            build_first_party_wheels: self._stage(lambda _: first_party),
            resolve_third_party_wheels: self._stage(lambda _: third_party),
            determine_contents: self._stage(self._rule(determine_contents)),
            collect_ingredients: self._rule(collect_ingredients),
            # One way ...
            build_from_runtime: self._rule(build_from_runtime),
            build_runtime: self._stage(runtime),
            prepare_payload: self._stage(self._rule(prepare_payload)),
            overlay_digests: self._rule(overlay_digests),
            prepare_wheel: self._stage(prepared),
            prepare_rarely_used_modules: self._stage(lambda _: RarelyUsedModules(STDLIB)),
            make_artifact: self._stage(
                lambda r: Build(BUILT, f"{r.runtime.install_dir}/{r.name}"),
            ),
            # ... and the other.
            build_from_template: self._rule(build_from_template),
            render_config: self._stage(rendered),
            build: self._stage(lambda r: Build(BUILT, f"{install_dir(r.args)}/{r.name}")),
            add_prefix: self._stage(lambda _: RESULT),
        }
        self.binary: PyOxidizerBinary = self._run(build_binary, field_set)

    def _run(self, rule: Callable[..., Any], *args: object) -> Any:
        return FILES.run_rule(rule, *args, mocks=self._mocks)

    def _rule(self, rule: Callable[..., Any], *more: object) -> Callable[[Any], Any]:
        return lambda request: self._run(rule, request, *more)

    def _stage(self, give: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def stage(request: object) -> Any:
            kind: Stage = (
                request.path if isinstance(request, PreparedWheelRequest) else type(request)
            )
            assert kind not in self.requests
            self.requests[kind] = request
            result = give(request)
            if isinstance(result, Exception):
                raise result
            return result

        return stage

    def differ_from(self, other: Stages) -> set[Stage]:
        """The requests that would run again."""
        return {
            kind for kind, request in self.requests.items() if request != other.requests.get(kind)
        }


RESULT = FILES.digest({"result": ""})
STDLIB = FILES.digest({"__parts/stdlib.part": "stdlib"})

# --- The chain

FIRST_STAGES: dict[Stage, Any] = {
    ChosenPythonRequest: ChosenPythonRequest(ADDRESS, CONSTRAINTS, "py:py311"),
    FirstPartyWheelsRequest: FirstPartyWheelsRequest(DISTRIBUTIONS, ".cache/links/python"),
    ThirdPartyWheelsRequest: ThirdPartyWheelsRequest(
        Addresses([Address("src/py/app")]),
        InterpreterConstraints(["CPython==3.11.7"]),
        ".cache/links/python",
    ),
}
CONTENTS = ContentsRequest(
    address=ADDRESS,
    entry_point="main:run",
    resources=Resources.AUTO,
    filesystem_resources=("six",),
    first_party=(APP,),
    third_party=(SIX,),
    python_version="3.11.7",
    target_triple="x86_64-unknown-linux-gnu",
)
FIELDS: dict[str, Any] = {
    "entry_point": "main:run",
    "filesystem_resources": ["six"],
    "binary_name": "my-app",
    "python": "py:py311",
}
PLACEMENTS = (
    Placement(APP, Location.EXECUTABLE),
    Placement(SIX, Location.LIB, "named in `filesystem_resources`"),
)
MY_APP = PyOxidizerBinary(
    RESULT,
    install_dir="src.py.project/bin/x86_64-unknown-linux-gnu/release/install",
    executable="src.py.project/bin/x86_64-unknown-linux-gnu/release/install/my-app",
    ingredients=Ingredients(
        "my-app",
        STANDALONE_PYTHON,
        Contents(EntryPoint("main", "run"), PLACEMENTS, (APP.path,)),
        wheel_files(APP, SIX),
    ),
    tools=BuildTools(("--release",), RUST, C_TOOLCHAIN),
)


def test_each_stage_of_the_default_way_gets_what_those_before_it_gave() -> None:
    target = field_set(
        **FIELDS, payload="file", include_sources=True, interpreter=False, python_variables=False
    )
    stages = Stages(target, args=("--release",))
    runtime_request = RuntimeRequest(STANDALONE_PYTHON, RUST, C_TOOLCHAIN, ("--release",))
    made = runtime(runtime_request)
    six = PreparedWheelRequest(made, wheel_files(SIX), SIX.path, True, True)
    expected: dict[Stage, Any] = {
        **FIRST_STAGES,
        DistributionsRequest: DistributionsRequest(target.dependencies),
        ContentsRequest: CONTENTS,
        CToolchainRequest: CToolchainRequest(with_make=False),
        RuntimeRequest: runtime_request,
        RarelyUsedModulesRequest: RarelyUsedModulesRequest(made),
        PreparedPayloadRequest: PreparedPayloadRequest(
            made,
            wheel_files(APP, SIX),
            PLACEMENTS,
            first_party=(APP.path,),
            include_sources=True,
        ),
        SIX.path: six,
        ArtifactRequest: ArtifactRequest(
            ADDRESS,
            "my-app",
            EntryPoint("main", "run"),
            made,
            PreparedPayload(
                FILES.merge(STDLIB, wheel_files(APP)),
                ("--part=__parts/stdlib.part", f"--wheel={APP.path}"),
                prepared(six).digest,
                include_sources=True,
            ),
            payload_is_sidecar=True,
            interpreter=False,
            python_variables=False,
        ),
        AddPrefix: AddPrefix(BUILT, "src.py.project/bin"),
    }
    assert stages.requests == expected
    assert stages.requests[ArtifactRequest].address == ADDRESS
    assert stages.binary == MY_APP
    assert stages.binary.descriptions == (
        "Contains Python 3.11.7.",
        "Code: app in the executable; six (named in `filesystem_resources`) in `lib`.",
    )


def test_each_stage_after_a_template_gets_what_those_before_it_gave() -> None:
    target = field_set(**FIELDS, template="own.bzlt")
    stages = Stages(target, args=("--release",))
    config_request = RenderedConfigRequest(
        target.template,
        Config(
            "my-app",
            STANDALONE_PYTHON.python,
            EntryPoint("main", "run"),
            wheels=(APP.path,),
            filesystem_wheels=(SIX.path,),
        ),
    )
    expected: dict[Stage, Any] = {
        **FIRST_STAGES,
        DistributionsRequest: DistributionsRequest(target.dependencies),
        ContentsRequest: dataclasses.replace(CONTENTS, resources=None),
        CToolchainRequest: CToolchainRequest(with_make=True),
        TemplateRequest: TemplateRequest(target.template),
        RenderedConfigRequest: config_request,
        BuildRequest: BuildRequest(
            description="",
            name="my-app",
            args=("--release",),
            config=rendered(config_request),
            python=STANDALONE_PYTHON,
            rust=RUST,
            c_toolchain=C_TOOLCHAIN,
            inputs=wheel_files(APP, SIX),
            wheel_dirs=(".", "third_party"),
            has_plain_files=True,  # There are `filesystem_resources`.
        ),
        AddPrefix: AddPrefix(BUILT, "src.py.project/bin"),
    }
    assert stages.requests == expected
    build_request = stages.requests[BuildRequest]
    assert build_request.description == "Building src/py/project:bin with PyOxidizer"
    assert stages.binary.descriptions == (
        "Contains Python 3.11.7.",
        "Code: app placed by the template; six (named in `filesystem_resources`) in `lib`.",
    )


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        (DEFAULT_WAY, {DistributionsRequest}),
        (TEMPLATE_WAY, {TemplateRequest, DistributionsRequest}),
    ],
)
def test_nothing_else_is_asked_for_when_no_wheel_can_come(
    way: dict[str, Any], asked: set[Stage]
) -> None:
    requests: dict[Stage, Any] = {}
    error = InvalidTargetException("no wheel")
    with pytest.raises(InvalidTargetException, match="^no wheel$"):
        Stages(field_set(**way), distributions=error, requests=requests)
    assert requests.keys() == asked


def test_nothing_else_is_asked_for_when_the_template_is_wrong() -> None:
    requests: dict[Stage, Any] = {}
    error = InvalidFieldException("no template")
    with pytest.raises(InvalidFieldException, match="^no template$"):
        Stages(field_set(**TEMPLATE_WAY), template=error, requests=requests)
    assert requests.keys() == {TemplateRequest}


def test_a_name_that_cannot_be_a_binarys_is_found_before_all() -> None:
    requests: dict[Stage, Any] = {}
    with pytest.raises(InvalidFieldException):
        Stages(field_set(Address("src/py", target_name="my app")), requests=requests)
    assert not requests


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
@pytest.mark.parametrize("way", [DEFAULT_WAY, TEMPLATE_WAY])
def test_the_scheme_of_the_manual(
    address: Address, fields: dict[str, Any], way: dict[str, Any], executable: str
) -> None:
    binary = Stages(field_set(address, **fields, **way)).binary
    assert binary.executable == executable.format("x86_64-unknown-linux-gnu/debug/install")
    assert binary.install_dir == binary.executable.rpartition("/")[0]


# --- What runs again

ALL_WHEELS = {APP.path, SIX.path}


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"tags": ["a"], "description": "An app."}, set()),
        ({"output_path": "apps"}, {AddPrefix}),
        ({"python": "py:py311"}, {ChosenPythonRequest}),
        ({"binary_name": "app"}, {ArtifactRequest}),
        ({"entry_point": "main"}, {ContentsRequest, ArtifactRequest}),
        ({"payload": "file"}, {ArtifactRequest}),
        ({"entry_point": "main", "interpreter": False}, {ContentsRequest, ArtifactRequest}),
        ({"resources": "in-memory"}, {ContentsRequest}),
        (
            {"resources": "filesystem"},
            {ContentsRequest, PreparedPayloadRequest, *ALL_WHEELS, ArtifactRequest},
        ),
        ({"include_sources": False}, {PreparedPayloadRequest, SIX.path, ArtifactRequest}),
        ({"filesystem_resources": []}, set()),
        (
            {"filesystem_resources": ["six"]},
            {ContentsRequest, PreparedPayloadRequest, SIX.path, ArtifactRequest},
        ),
    ],
)
def test_a_changed_field_runs_only_the_stages_that_it_matters_to(
    changed: dict[str, Any], again: set[Stage]
) -> None:
    assert Stages(field_set(**changed)).differ_from(Stages(field_set())) == again


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"tags": ["a"], "description": "An app."}, set()),
        ({"output_path": "apps"}, {AddPrefix}),
        ({"template": "other.bzlt"}, {TemplateRequest, RenderedConfigRequest}),
        ({"binary_name": "app"}, {RenderedConfigRequest, BuildRequest}),
        ({"entry_point": "main"}, {ContentsRequest, RenderedConfigRequest, BuildRequest}),
        ({"filesystem_resources": []}, set()),
        (
            {"filesystem_resources": ["six"]},
            {ContentsRequest, RenderedConfigRequest, BuildRequest},
        ),
    ],
)
def test_so_it_is_after_a_template(changed: dict[str, Any], again: set[Stage]) -> None:
    before = Stages(field_set(**TEMPLATE_WAY))
    assert Stages(field_set(**{**TEMPLATE_WAY, **changed})).differ_from(before) == again


@pytest.mark.parametrize(
    ("way", "again"),
    [
        (DEFAULT_WAY, {PreparedPayloadRequest, ArtifactRequest}),
        (TEMPLATE_WAY, {BuildRequest}),
    ],
)
def test_changed_code_matters_to_its_own_wheel(way: dict[str, Any], again: set[Stage]) -> None:
    changed = Stages(field_set(**way), first=dataclasses.replace(APP, sha256="changed"))
    assert changed.differ_from(Stages(field_set(**way))) == {ContentsRequest, *again}


def test_a_changed_requirement_matters_to_its_own_wheel() -> None:
    changed = Stages(field_set(), third=dataclasses.replace(SIX, sha256="changed"))
    again = {ContentsRequest, PreparedPayloadRequest, SIX.path, ArtifactRequest}
    assert changed.differ_from(Stages(field_set())) == again


@pytest.mark.parametrize(
    ("way", "again"),
    [
        # Another runtime.
        (
            DEFAULT_WAY,
            {
                RuntimeRequest,
                RarelyUsedModulesRequest,
                PreparedPayloadRequest,
                SIX.path,
                ArtifactRequest,
            },
        ),
        (TEMPLATE_WAY, {BuildRequest}),
    ],
)
def test_pyoxidizers_arguments_matter_to_its_run_and_what_comes_of_it(
    way: dict[str, Any], again: set[Stage]
) -> None:
    release = Stages(field_set(**way), args=("--release",))
    assert release.differ_from(Stages(field_set(**way))) == again


@pytest.mark.parametrize(
    ("way", "again"),
    [(DEFAULT_WAY, set()), (TEMPLATE_WAY, {TemplateRequest, RenderedConfigRequest})],
)
def test_targets_alike_share_all_that_takes_long(way: dict[str, Any], again: set[Stage]) -> None:
    other = Stages(field_set(Address("other", target_name="bin"), **way))
    assert other.differ_from(Stages(field_set(**way))) == {
        # These carry the address for errors, and start no process of their own.
        DistributionsRequest,
        ChosenPythonRequest,
        ContentsRequest,
        *again,
        AddPrefix,
    }


# --- The goals

BINARY = PyOxidizerBinary(
    RESULT,
    install_dir="project/bin/triple/debug/install",
    executable="project/bin/triple/debug/install/my-app",
    ingredients=Ingredients(
        "my-app",
        STANDALONE_PYTHON,
        Contents(None, (Placement(APP, Location.EXECUTABLE),), (APP.path,)),
        PYTHON,
    ),
    tools=BuildTools((), RUST, C_TOOLCHAIN),
)


def built(target: PyOxidizerFieldSet) -> Mocks:
    return {build_binary: {target: BINARY}.__getitem__}


def package(target: PyOxidizerFieldSet, mocks: Mocks, *, report: bool) -> BuiltPackage:
    pyoxidizer = create_subsystem(PyOxidizer, report=report)
    request = UniqueOutputPathRequest(target.output_path)
    paths = {request: UniqueOutputPath("project/bin")}
    unique: Mocks = {find_unique_output_path: paths.__getitem__}
    result: BuiltPackage = FILES.run_rule(
        package_binary, target, pyoxidizer, mocks={**unique, **built(target), **NOT_ASKED, **mocks}
    )
    return result


def refuse(_: object) -> Any:
    raise AssertionError("nobody wants a report")


NOT_ASKED: Mocks = {write_report: refuse}
INSTALL = BuiltPackageArtifact(
    "project/bin/triple/debug/install",
    extra_log_lines=("Contains Python 3.11.7.", "Code: app in the executable."),
)


def test_package_names_the_folder_and_says_what_is_inside() -> None:
    assert package(field_set(), {}, report=False) == BuiltPackage(RESULT, (INSTALL,))


@pytest.mark.parametrize(("fields", "with_template"), [({}, False), (TEMPLATE_WAY, True)])
def test_package_writes_a_report_beside_if_asked_to(
    fields: dict[str, Any], with_template: bool
) -> None:
    target = field_set(**fields)
    written = FILES.digest({"project/bin/triple/debug/my-app.sha256": "checksums"})
    request = ReportRequest(
        name="my-app",
        files=RESULT,
        install_dir=BINARY.install_dir,
        executable=BINARY.executable,
        contents=BINARY.ingredients.contents,
        crates=CrateListRequest(STANDALONE_PYTHON, RUST, C_TOOLCHAIN),
        with_template=with_template,
    )
    report = Report(written, ("project/bin/triple/debug/my-app.sha256",))
    given = package(
        target,
        {
            write_report: {request: report}.__getitem__,
        },
        report=True,
    )
    assert given == BuiltPackage(
        FILES.merge(RESULT, written),
        (INSTALL, BuiltPackageArtifact("project/bin/triple/debug/my-app.sha256")),
    )


def test_run_starts_the_executable_that_was_built() -> None:
    target = field_set()
    request = run_rule(run_binary, target, mocks=built(target))
    assert request == RunRequest(
        digest=RESULT, args=("{chroot}/project/bin/triple/debug/install/my-app",)
    )

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Renders the `template` of a binary to a PyOxidizer configuration file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.target import (
    HydrateSourcesRequest,
    InvalidFieldException,
)
from pants.util.strutil import softwrap

from pants_pyoxidizer.configuration.config import Config, PyOxidizerPython
from pants_pyoxidizer.configuration.template import TemplateError, decode
from pants_pyoxidizer.engine import (
    collect_rules,
    create_digest,
    get_digest_contents,
    hydrate_sources,
    implicitly,
    rule,
)
from pants_pyoxidizer.target_types import PyOxidizerTemplateField

CONFIG_FILE = "pyoxidizer.bzl"  # The name that PyOxidizer looks for.
# Maps lines of the configuration to lines of the template, for `run_pyoxidizer`.
LINES_FILE = "pyoxidizer.lines.json"
# Enough to check the parameters of a template, which do not depend on values.
_WITHOUT_VALUES = Config(name="", python=PyOxidizerPython(""), entry_point=None, wheels=())


@dataclass(frozen=True)
class TemplateRequest:
    field: PyOxidizerTemplateField


@dataclass(frozen=True)
class Template:
    """The text of a template that can be rendered."""

    text: str


@dataclass(frozen=True)
class RenderedConfigRequest:
    template: PyOxidizerTemplateField
    config: Config


@dataclass(frozen=True)
class RenderedConfig:
    digest: Digest


@rule
async def read_template(request: TemplateRequest) -> Template:
    field = request.field
    sources = await hydrate_sources(HydrateSourcesRequest(field), **implicitly())
    contents = await get_digest_contents(sources.snapshot.digest)
    try:
        # Pants itself only warns, unless `unmatched_build_file_globs` says otherwise.
        if not contents:
            raise TemplateError(
                "it does not exist. To fix, correct the path, which is relative to the BUILD file"
            )
        text = decode(contents[0].content)
        _WITHOUT_VALUES.render(text)
    except TemplateError as e:
        raise InvalidFieldException(
            softwrap(
                f"""
                The `{field.alias}` field in target {field.address} names
                {field.file_path}, which cannot be used: {e}.
                """
            )
        ) from None
    return Template(text)


@rule
async def render_config(request: RenderedConfigRequest) -> RenderedConfig:
    template = await read_template(TemplateRequest(request.template), **implicitly())
    lines = {
        "template": request.template.file_path,
        "lines": request.config.line_numbers(template.text),
    }
    files = {CONFIG_FILE: request.config.render(template.text), LINES_FILE: json.dumps(lines)}
    digest = await create_digest(
        CreateDigest(FileContent(path, file.encode()) for path, file in files.items())
    )
    return RenderedConfig(digest)


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""The PyOxidizer configuration of a binary with a `template`, as a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable

from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import (
    HydratedSources,
    HydrateSourcesRequest,
    InvalidFieldException,
)
from pants.util.strutil import softwrap

from pants_pyoxidizer.config import Config
from pants_pyoxidizer.target_types import PyOxidizerTemplateField
from pants_pyoxidizer.template import TemplateError, decode

CONFIG_FILE = "pyoxidizer.bzl"  # The name that PyOxidizer looks for.
# Which lines of the template the configuration's are, for `programs/run_pyoxidizer.py`.
LINES_FILE = "pyoxidizer.lines.json"


@dataclass(frozen=True)
class RenderedConfigRequest:
    template: PyOxidizerTemplateField
    config: Config


@dataclass(frozen=True)
class RenderedConfig:
    digest: Digest


@rule
async def render_config(request: RenderedConfigRequest) -> RenderedConfig:
    field = request.template
    sources = await Get(HydratedSources, HydrateSourcesRequest(field))
    contents = await Get(DigestContents, Digest, sources.snapshot.digest)
    try:
        # Pants itself only warns, unless `unmatched_build_file_globs` says otherwise.
        if not contents:
            raise TemplateError("it does not exist")
        text = decode(contents[0].content)
        rendered = request.config.render(text)
    except TemplateError as e:
        raise InvalidFieldException(
            softwrap(
                f"""
                The `{field.alias}` field in target {field.address} names
                {field.file_path}, which cannot be used: {e}.
                """
            )
        ) from None
    lines = {"template": field.file_path, "lines": request.config.line_numbers(text)}
    files = {CONFIG_FILE: rendered, LINES_FILE: json.dumps(lines)}
    digest = await Get(
        Digest, CreateDigest(FileContent(path, file.encode()) for path, file in files.items())
    )
    return RenderedConfig(digest)


def rules() -> Iterable[Any]:
    return collect_rules()

# Licensed under the Apache License, Version 2.0 (see LICENSE).
"""Draws the charts of results.json as SVG files.

usage: python charts.py RESULTS.json FOLDER

Runs in a venv that has matplotlib (requirements/charts.txt), without the other modules.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Mapping

OURS, THEIRS = "pants_pyoxidizer", "Pants' own backend"
COLORS = {OURS: "#1b7837", THEIRS: "#762a83"}
STAGE_COLORS = ("#4575b4", "#f1a340", "#74add1", "#b35806", "#abd9e9", "#fee090", "#313695")
REST_COLOR = "#bbbbbb"


def load_pyplot() -> Any:
    # By name: the plugin's own tools do not have it, and need not.
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    # The same figures give the same file; text stays text.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"})
    return importlib.import_module("matplotlib.pyplot")


def cost_per_binary(pyplot: Any, costs: Mapping[str, list[float]], path: Path) -> None:
    """`costs` has the seconds of the 1st, 2nd, ... binary for "ours" and "theirs"."""
    figure, axes = pyplot.subplots(figsize=(7.5, 4))
    for label, seconds in ((THEIRS, costs.get("theirs", [])), (OURS, costs.get("ours", []))):
        if seconds:
            numbers = range(1, len(seconds) + 1)
            axes.plot(numbers, seconds, "o-", label=label, color=COLORS[label], markersize=4)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xticks(range(1, max(map(len, costs.values()), default=1) + 1))
    axes.set_xlabel("Nth binary of one repository")
    axes.set_ylabel("seconds (log scale)")
    axes.set_title("What the Nth binary costs", loc="left")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    save(pyplot, figure, path)


def where_the_time_goes(pyplot: Any, stages: Mapping[str, Any], path: Path) -> None:
    """`stages` has seconds by stage for "ours" and "theirs": one panel each, on its own scale,
    and both on one scale above."""
    pairs = [(THEIRS, stages.get("theirs", {})), (OURS, stages.get("ours", {}))]
    pairs = [(label, seconds) for label, seconds in pairs if seconds]
    figure, panels = pyplot.subplots(1 + len(pairs), 1, figsize=(8.5, 1.6 + 1.6 * len(pairs)))
    totals = [sum(seconds.values()) for _, seconds in pairs]
    labels = [label for label, _ in pairs]
    panels[0].barh(labels[::-1], totals[::-1], color=[COLORS[label] for label in labels[::-1]])
    for position, total in enumerate(totals[::-1]):
        place = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
        panels[0].annotate(f"{total:.1f} s", (total, position), **place)
    panels[0].set_title("A changed line to a new binary: where the time goes (seconds)", loc="left")
    panels[0].margins(x=0.12)
    for panel, (label, seconds) in zip(panels[1:], pairs):
        stacked_bar(panel, label, seconds)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    save(pyplot, figure, path)


def stacked_bar(panel: Any, label: str, seconds: Mapping[str, float]) -> None:
    left = 0.0
    last = len(seconds) - 1
    for number, (stage, value) in enumerate(seconds.items()):
        color = REST_COLOR if number == last else STAGE_COLORS[number % len(STAGE_COLORS)]
        panel.barh([label], [value], left=left, color=color, label=f"{stage}: {value:.2f} s")
        left += value
    panel.set_yticks([])
    panel.set_ylabel(label, rotation=0, ha="right", va="center")
    panel.legend(frameon=False, fontsize=8, ncol=2, loc="upper left", bbox_to_anchor=(0, -0.25))


def save(pyplot: Any, figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main(results: str, folder: str) -> None:
    data = json.loads(Path(results).read_text())
    pyplot = load_pyplot()
    if any(data["cost_per_binary"].values()):
        cost_per_binary(pyplot, data["cost_per_binary"], Path(folder) / "cost_per_binary.svg")
    if any(data["stages"].values()):
        where_the_time_goes(pyplot, data["stages"], Path(folder) / "where_the_time_goes.svg")


if __name__ == "__main__":
    main(*sys.argv[1:])

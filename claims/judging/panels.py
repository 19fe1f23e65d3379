"""Pieces of console pages: the judge in use, and how each published one did on claims it had not seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from base.artifacts import ArtifactError
from base.panels import BAD, Chart, Facts, Panel, Series, Table, code
from claims.judging import published

FIGURES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "surest_half": "Accuracy, surest half",
    "calibration_error": "Calibration error",
}
SETS = {
    "scifact": "SciFact, with the abstracts it cites",
    "climate_fever": "Climate-FEVER, with its sentences",
    "fm2": "Fool Me Twice, with its gold evidence",
    "fever_symmetric": "FEVER-Symmetric, with its evidence",
}


def version_panels() -> list[Panel]:
    """The judge in use and the published ones, with their figures."""
    try:
        about = published.reader().about
    except ArtifactError as error:
        return [Facts(title="Judge", tone=BAD, rows=[("Broken", str(error))])]
    facts = Facts(
        title="In use",
        rows=[
            ("Version", about["version"]),
            ("Made on", about.get("created_on")),
            ("SHA-256", code(about["sha256"])),
            *((f"{role.capitalize()}, SHA-256", code(digest)) for role, digest in about["parts"].items()),
        ],
    )
    return [facts, *(panel for version in published.versions() for panel in figures_panels(version))]


def figures_panels(version: str) -> list[Panel]:
    report = published.report_of(version)
    sets = report.get("sets", {})
    if not sets:
        return []
    heads = ["Given evidence", "Claims", *FIGURES.values()]
    rows = [[SETS.get(name, name), f"{one['claims']:,}", *compared(one, FIGURES)] for name, one in sets.items()]
    return [
        Table(
            title=f"Judge {version} on claims it had not seen (in brackets a plain baseline)", headers=heads, rows=rows
        ),
        *search_panels(version, report),
        *(coverage_panel(SETS.get(name, name), one["coverage"]) for name, one in sets.items() if one.get("coverage")),
    ]


def search_panels(version: str, report: dict[str, Any]) -> list[Panel]:
    if "retrieval" not in report or "pipeline" not in report:
        return []
    found, whole = report["retrieval"], report["pipeline"]
    trained = found["trained"] | {"reference": found.get("reference", {})}
    rows = [
        ["Abstracts with evidence among the first ten", *compared(trained, ["recall_10"])],
        ["Order of the first ten (nDCG)", *compared(trained, ["ndcg_10"])],
        ["Search and judge together, F1", *compared(whole, ["f1"])],
        ["… accuracy on the half it is surest of", *compared(whole, ["surest_half"])],
    ]
    return [Table(title=f"Judge {version}: finding evidence, SciFact", headers=["Figure", "Value"], rows=rows)]


def compared(figures: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Each figure, with the baseline's where there is one."""
    reference = figures.get("reference") or {}
    told = {name: f" ({reference[name]:.3f})" if name in reference else "" for name in names}
    return [f"{figures[name]:.3f}{told[name]}" if name in figures else "–" for name in names]


def coverage_panel(title: str, points: list[list[float]]) -> Chart:
    return Chart(
        title=f"{title}: accuracy by share answered",
        kind="line",
        labels=[f"{share:.0%}" for share, _ in points],
        series=[Series(label="accuracy", values=[right for _, right in points])],
    )

"""Pieces of console pages: why a report got its category, and the published classifiers."""

from __future__ import annotations

from typing import Any

from base.artifacts import ArtifactError
from base.panels import Facts, Panel, Table, code
from reports.classification import published
from reports.classification.models import Classification, Correction

FIGURES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "calibration_error": "Calibration error",
    "best_70": "Surest 70 %",
}


def why_panels(report: Any) -> list[Panel]:
    """For the page of a report: what the model said last, by which words, and what reviewers said."""
    said = Classification.objects.filter(report=report).first()
    if said is None:
        return []
    corrected = Correction.objects.filter(report=report).select_related("category", "by")[:5]
    return [
        *said_panels(said),
        *(
            [Table(title="What reviewers said", width=6, headers=["Category", "By", "The model had said"],
                   rows=[[str(one.category), str(one.by or "–"), one.suggested_id or "–"] for one in corrected])]
            if corrected else []
        ),
    ]  # fmt: skip


def said_panels(row: Classification) -> list[Panel]:
    others = [[code_, f"{probability:.1%}"] for code_, probability in row.runners_up]
    words = [[word, f"{worth:+.2f}"] for word, worth in row.words]
    return [
        Facts(
            title="Classification",
            width=6,
            rows=[
                ("Category", row.category_id),
                ("Probability", f"{row.probability:.1%}"),
                ("Set by the model", "yes" if row.chosen else "no: a person decides or has decided"),
                ("Urgency, from votes elsewhere", f"{row.urgency:.0%} ({row.severity})"),
                ("Classifier", code(f"{row.model_version} {row.model_sha256[:12]}")),
            ],
        ),
        Table(title="Words for it, over the next best", width=6, headers=["Word", "Log-odds"], rows=words,
              empty="No word the model knows."),
        Table(title="Next best", width=6, headers=["Category", "Probability"], rows=others),
    ]  # fmt: skip


def version_panels() -> list[Panel]:
    """The classifier in use and the published ones, with their figures."""
    try:
        used = published.classifier()
    except ArtifactError as error:
        return [Facts(title="Classifier", tone="bad", rows=[("Broken", str(error))])]
    facts = Facts(
        title="In use",
        rows=[
            ("Version", used.version),
            ("SHA-256", code(used.sha256)),
            ("Sets the category from", f"{used.threshold:.1%}"),
            ("Made on", used.about["created_on"]),
            ("Corrections learned", used.about["training"]["corrections"]),
        ],
    )
    return [facts, *(figures_panel(version) for version in published.versions())]


def figures_panel(version: str) -> Panel:
    trials = published.report_of(version).get("trials", [])
    rows = [
        [one["title"], one["texts"], *(f"{one[name]:.3f}" for name in FIGURES),
         f"{one['reference'].get('macro_f1', 0):.3f}" if one["reference"].get("macro_f1") else "–"]
        for one in trials
    ]  # fmt: skip
    heads = ["Question", "Texts", *FIGURES.values(), "Baseline macro-F1"]
    return Table(title=f"Classifier {version} on texts it had not seen", headers=heads, rows=rows)

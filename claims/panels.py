"""Pieces of console pages: a verdict and the sentences it stands on, what flipped, where evidence comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from base.links import row_link
from base.panels import (
    BAD,
    BUSY,
    GOOD,
    IDLE,
    WARN,
    Bar,
    Bars,
    Facts,
    Panel,
    Table,
    Text,
    anchor,
    badge,
    code,
    lasting,
    meter,
    when,
)
from claims.models import Claim, Corpus, Document, Label, Verdict, VerdictSentence, VerificationRun
from tasks.models import Task

TONES = {Label.SUPPORTED: GOOD, Label.REFUTED: BAD, Label.DISPUTED: WARN, Label.NOT_ENOUGH_INFO: IDLE}
STATES = {"pending": IDLE, "processing": BUSY, "completed": GOOD, "failed": BAD, "cancelled": WARN}
WORD = re.compile(r"\w+")
SHORT = 3  # letters; shorter words are everywhere
FIRST, SHOWN = 10, 20  # sentences of a verdict; rows of other tables


def label_badge(label: str) -> str:
    return badge(label_name(label), TONES[Label(label)])


def label_name(label: str) -> str:
    return Label(label).label.capitalize()


def state_badge(state: str) -> str:
    return badge(state, STATES[state])


def verdict_panels(user: Any, verdict: Verdict, *, outdated: bool) -> list[Panel]:
    """What was found, and by which sentences."""
    run = verdict.run
    facts = Facts(
        title="Verdict",
        width=6,
        tone=TONES[Label(verdict.label)],
        rows=[
            ("Label", label_badge(verdict.label)),
            ("Confidence", meter(100 * verdict.confidence, f"{verdict.confidence:.0%}")),
            ("Decided at", when(verdict.decided_at)),
            ("Looked into", corpora_text(run.corpora)),
            ("Since then", badge("the evidence has changed", WARN) if outdated else ""),
            ("Models", code(models_text(verdict.model_versions))),
        ],
    )
    shares = sorted(verdict.probabilities.items(), key=lambda pair: -pair[1])
    bars = [
        Bar(title=label_name(label), percent=round(100 * share, 1), tone=TONES[Label(label)])
        for label, share in shares
        if label in Label.values
    ]
    return [facts, Bars(title="How likely each label is", bars=bars), sentences_panel(user, verdict)]


def sentences_panel(user: Any, verdict: Verdict) -> Table:
    words = claim_words(verdict.claim.text)
    found = list(verdict.sentences.select_related("document"))
    rows = [
        (
            one.rank,
            sourced(user, one, words),
            badge(f"{one.stance.get(Label.SUPPORTED, 0):.0%}", GOOD),
            badge(f"{one.stance.get(Label.REFUTED, 0):.0%}", BAD),
        )
        for index, one in enumerate(found)
        if index < FIRST or one.decided
    ]
    return Table(
        title=f"Sentences it looked at: the first of {len(found)}, and those that decide",
        headers=["", "Sentence", "Supports", "Refutes"],
        rows=rows,
        empty="No sentence of the evidence is about this.",
    )


def sourced(user: Any, one: VerdictSentence, words: set[str]) -> SafeString:
    """The sentence and, below it, where it stands and how it scored."""
    return format_html(
        '{} {}<p class="mr-note">{}, sentence {} · rank {}, retrieval {}</p>',
        marked(one.text, words),
        badge("decides", BUSY) if one.decided else "",
        document_link(user, one.document),
        one.position + 1,
        f"{one.rank_score:.3g}",
        f"{one.retrieval_score:.3g}",
    )


def flip_panel(user: Any, verdict: Verdict) -> list[Panel]:
    """Before and now, where they differ."""
    before = verdict.previous
    if before is None or not verdict.flipped:
        return []

    def both(of: Any) -> tuple[Any, Any]:
        return of(before), of(verdict)

    rows = [
        ("Label", *both(lambda one: label_badge(one.label))),
        ("Confidence", *both(lambda one: f"{one.confidence:.0%}")),
        ("Decided at", *both(lambda one: when(one.decided_at))),
        ("Looked into", *both(lambda one: corpora_text(one.run.corpora))),
        ("By", *both(lambda one: code(models_text(one.model_versions)))),
        ("Because", *both(lambda one: deciding_text(user, one))),
    ]
    return [Table(title="The verdict flipped", tone=WARN, headers=["", "Before", "Now"], rows=rows)]


def deciding_text(user: Any, verdict: Verdict) -> SafeString | str:
    words = claim_words(verdict.claim.text)
    decided = verdict.sentences.filter(decided=True).select_related("document")[:5]
    return format_html_join("", "{}", ((sourced(user, one, words),) for one in decided)) or "No sentence decided."


def history_panel(claim: Claim) -> list[Panel]:
    rows = [
        (when(one.decided_at), label_badge(one.label), f"{one.confidence:.0%}",
         badge("flipped", WARN) if one.flipped else "", corpora_text(one.run.corpora), cause_name(one.run))
        for one in claim.verdicts.select_related("run")[:SHOWN]
    ]  # fmt: skip
    headers = ["At", "Label", "Confidence", "", "Looked into", "Cause"]
    return [Table(title="Every verdict", headers=headers, rows=rows)] if len(rows) > 1 else []


def runs_panel(user: Any, runs: Iterable[VerificationRun], states: dict[Any, str]) -> Table:
    rows = [
        (row_link(user, VerificationRun, run.pk, when(run.created_at)), state_badge(states[run.pk]),
         cause_name(run), run.requested_by or "", took(run), run.error[:200])
        for run in runs
    ]  # fmt: skip
    headers = ["Asked at", "State", "Cause", "By", "Took", "Error"]
    return Table(title="Verifications", headers=headers, rows=rows, empty="Nobody has asked for one.")


def run_panels(user: Any, run: VerificationRun, state: str) -> list[Panel]:
    total = sum(run.stages.values()) or 1.0
    bars = [
        Bar(
            title=stage.capitalize(),
            percent=round(100 * seconds / total, 1),
            note=lasting(timedelta(seconds=seconds)),
            tone=BUSY,
        )
        for stage, seconds in sorted(run.stages.items(), key=lambda pair: STAGES.index(pair[0]))
    ]
    facts = Facts(
        title="Verification",
        side=True,
        rows=[
            ("State", state_badge(state)),
            ("Claim", row_link(user, Claim, run.claim_id, str(run.claim))),
            ("Cause", cause_name(run)),
            ("Asked by", run.requested_by or ""),
            ("Asked at", when(run.created_at)),
            ("Ended at", when(run.finished_at)),
            ("Took", took(run)),
            ("Told to look into", ", ".join(run.only) or "all in use"),
            ("Looked into", corpora_text(run.corpora)),
            ("Task", row_link(user, Task, run.task_id) if run.task_id else ""),
            ("Id", code(run.pk)),
        ],
    )
    failed = [Text(title="Error", text=run.error, tone=BAD)] if run.error else []
    return [*failed, Bars(title="Time by stage", bars=bars, width=12, empty="No stage has ended."), facts]


STAGES = ["retrieve", "rank", "judge", "aggregate"]


def document_panels(user: Any, row: Document) -> list[Panel]:
    sentences = list(enumerate(row.sentences, start=1))
    versions = Document.objects.filter(corpus=row.corpus_id, external_id=row.external_id).exclude(pk=row.pk)
    used = VerdictSentence.objects.filter(document=row).order_by("-verdict_id", "rank").distinct("verdict_id")
    cited = [
        (row_link(user, Claim, one.verdict.claim_id, str(one.verdict.claim)), label_badge(one.verdict.label),
         one.position + 1, badge("decides", BUSY) if one.decided else "", when(one.verdict.decided_at))
        for one in used.select_related("verdict__claim")[:SHOWN]
    ]  # fmt: skip
    others = [
        (row_link(user, Document, one.pk, lifetime(one)), one.title, when(one.created_at)) for one in versions[:SHOWN]
    ]
    return [
        Table(title="Sentences", headers=["", "Sentence"], rows=sentences),
        Table(title="Verdicts that looked at it", headers=["Claim", "Verdict", "Best sentence", "", "At"], rows=cited),
        *([Table(title="Other versions", headers=["Versions", "Title", "Loaded"], rows=others)] if others else []),
        Facts(
            title=row.title or row.external_id,
            side=True,
            rows=[
                ("State", current_badge(row)),
                ("Corpus", row_link(user, Corpus, row.corpus_id, row.corpus)),
                ("Licence", row.corpus.licence),
                ("Its id there", row.external_id),
                ("Address", anchor(row.url, row.url) if row.url else ""),
                ("In versions", lifetime(row)),
                ("Loaded at", when(row.created_at)),
                ("SHA-256", code(row.sha256)),
            ],
        ),
    ]


def current_badge(row: Document) -> str:
    return badge("current", GOOD) if row.until is None else badge("superseded", IDLE)


def lifetime(row: Document) -> str:
    return f"{row.since} and later" if row.until is None else f"{row.since} to {row.until - 1}"


def document_link(user: Any, document: Document) -> str:
    return row_link(user, Document, document.pk, str(document)[:90])


def corpora_text(corpora: dict[str, int]) -> str:
    return ", ".join(f"{name} v{version}" for name, version in sorted(corpora.items()))


def models_text(versions: dict[str, Any]) -> str:
    return ", ".join(
        f"{role} {one.get('version', '')} {str(one.get('sha256', ''))[:8]}".strip() for role, one in versions.items()
    )


def cause_name(run: VerificationRun) -> str:
    return run.get_cause_display().lower()


def took(run: VerificationRun) -> str:
    return lasting(run.finished_at - run.created_at) if run.finished_at else ""


def claim_words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text) if len(word) > SHORT}


def marked(text: str, words: set[str]) -> SafeString:
    """The text with the claim's words in bold."""
    pieces, end = [], 0
    for match in WORD.finditer(text):
        if match.group().casefold() in words:
            pieces += [(text[end : match.start()], match.group())]
            end = match.end()
    return format_html("{}{}", format_html_join("", "{}<strong>{}</strong>", pieces), text[end:])


def shortened(text: str, width: int = 64) -> str:
    """For a list, whose rows are one line."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"

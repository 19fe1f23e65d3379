"""Claims, verdicts, runs, corpora and documents in the console, and on the dashboard."""

from dataclasses import replace

import pytest
from django.core.management import call_command

from audit.models import Entry
from claims import judging, sample
from claims.evidence.sources import Text
from claims.judging import published
from claims.models import Claim, Corpus, Document, Verdict, VerificationRun
from claims.services import submit_claim
from tasks.testing import run_due
from tests.claims.conftest import BEES, CLAIM
from tests.console.conftest import told

pytestmark = pytest.mark.django_db
AGAINST = Text("aloe", "Aloe and burns", ("Aloe vera does <i>not</i> shorten the healing of burns.",))


def page(row, button=""):
    return f"/admin/claims/{row._meta.model_name}/{row.pk}/" + (f"{button}/" if button else "change/")


def text(browser, url, **query):
    answer = browser.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_claim_is_verified_by_a_button_and_its_page_shows_the_sentences(staff, claim, evidence):
    reviewer = staff("reviewer")
    assert "Nobody has asked for one." in text(reviewer, page(claim))
    pressed = reviewer.post(page(claim, "verify"), {}, follow=True)
    assert told(pressed) == ["It is being verified."]
    assert told(reviewer.post(page(claim, "verify"), {}, follow=True)) == [
        "A verification of it was under way already."
    ]
    run_due("default")
    shown = text(reviewer, page(claim))
    verdict = Verdict.objects.get()
    assert verdict.run.requested_by == reviewer.person
    assert "<strong>Aloe</strong> <strong>vera</strong>" in shown and "Aloe and burns" in shown
    assert "nature v1" in shown and "nature v1" in shown and "Verify again" in shown


def test_only_the_chosen_corpora_are_looked_into(staff, claim, evidence):
    evidence(name="other")
    staff("operator").post(page(claim, "verify"), {"corpora": ["other"]})
    assert VerificationRun.objects.get().only == ["other"]


def test_a_run_under_way_is_followed_on_the_page(staff, claim, evidence):
    operator = staff("operator")
    operator.post(page(claim, "verify"), {})
    run = VerificationRun.objects.get()
    assert f"/admin/tasks/task/{run.task_id}/live/" in text(operator, page(claim))
    assert "pending" in text(operator, "/admin/claims/claim/")


def test_a_flip_is_shown_as_it_was_and_as_it_is(staff, verified, evidence, monkeypatch):
    before = verified.verdict.label
    aggregate = judging.aggregate

    def other(stances):
        label = "REFUTED" if before != "REFUTED" else "SUPPORTED"
        return replace(aggregate(stances), label=label, deciding=[0])

    monkeypatch.setattr(judging, "aggregate", other)
    evidence(AGAINST, BEES)
    operator = staff("operator")
    corpus = Corpus.objects.get()
    assert "Claims whose evidence has changed" in text(operator, page(corpus, "reverify"))
    operator.post(page(corpus, "reverify"), {"reason": "New studies."})
    run_due("default", "low")
    verdict = Verdict.objects.get(flipped=True)
    shown = text(operator, page(verified))
    assert "The verdict flipped" in shown and "Every verdict" in shown
    assert "does &lt;i&gt;not&lt;/i&gt; shorten" in shown and "<i>not</i>" not in shown
    assert "The verdict flipped" in text(operator, page(verdict))
    flipped = operator.get("/admin/claims/verdict/", {"flipped__exact": "1"}).context["cl"].result_list
    assert list(flipped) == [verdict]
    numbers = {panel.title: panel.value for panel in operator.get("/admin/").context["numbers"]}
    assert numbers["Verdicts flipped"] == "1" and numbers["Claims without enough evidence"].endswith("%")
    assert Entry.objects.get(action="reverification_requested").metadata["reason"] == "New studies."


def test_a_failed_run_shows_its_error_and_is_an_alarm(staff, claim, evidence, monkeypatch):
    from claims import retrieval, tasks

    monkeypatch.setattr(retrieval, "retrieve", lambda *args, **named: {}["no model"])
    operator = staff("operator")
    operator.post(page(claim, "verify"), {})
    run_due("default")
    tasks.follow_runs.call()
    run = VerificationRun.objects.get()
    assert run.status == "failed" and "KeyError" in text(operator, page(run))
    assert "Verifications failed" in [panel.title for panel in operator.get("/admin/").context["numbers"]]


def test_documents_are_found_by_their_words(staff, evidence):
    reviewer = staff("reviewer")

    def found(query):
        answer = reviewer.get("/admin/claims/document/", {"q": query})
        return [one.external_id for one in answer.context["cl"].result_list]

    assert found("healing burn") == found('"healing of burns"') == found("aloe") == ["aloe"]
    assert found("dance -honey") == found("'); --") == [] and found("corpus:nature honey") == ["bees"]
    evidence(AGAINST, BEES)
    old, new = Document.objects.filter(external_id="aloe").order_by("since")
    shown = text(reviewer, page(old))
    assert "superseded" in shown and page(new) in shown and "1 to 1" in shown


def test_a_corpus_is_left_out_and_used_again_with_a_reason(staff, evidence):
    corpus, operator = Corpus.objects.get(), staff("operator")
    assert "CC0 1.0" in text(operator, page(corpus))
    operator.post(page(corpus, "leave"), {})
    assert Corpus.objects.get().is_active
    operator.post(page(corpus, "leave"), {"reason": "Retracted."})
    assert not Corpus.objects.get().is_active
    operator.post(page(corpus, "use"), {"reason": "Restored."})
    assert Corpus.objects.get().is_active
    assert Entry.objects.filter(action="corpus_switched").count() == 2
    assert staff("reviewer").post(page(corpus, "leave"), {"reason": "No."}).status_code == 403


def test_many_claims_are_verified_at_once(staff, claim, evidence):
    other = submit_claim(text="Bees make honey from nectar.")
    ticked = {"action": "verify", "_selected_action": [str(claim.pk), str(other.pk)], "confirmed": "yes"}
    staff("operator").post("/admin/claims/claim/", ticked)
    assert VerificationRun.objects.count() == 2


def test_a_claim_is_found_by_its_text_and_in_no_other_way_by_strangers(staff, claim):
    reviewer = staff("reviewer")
    for query in (CLAIM, str(claim.pk)):
        assert list(reviewer.get("/admin/claims/claim/", {"q": query}).context["cl"].result_list) == [claim]
    assert list(reviewer.get("/admin/claims/claim/", {"q": "burns"}).context["cl"].result_list) == []
    assert staff("auditor").get(page(claim)).status_code == 403


def test_the_judge_shows_its_hashes_and_figures(staff, settings, tmp_path):
    analyst = staff("analyst")
    shown = text(analyst, "/admin/claims/verdict/versions/")
    for one in judging.model_versions().values():
        assert one["version"] in shown and one["sha256"] in shown
    for version in published.versions():
        if report := published.report_of(version):
            assert f"{report['sets']['scifact']['macro_f1']:.3f}" in shown
    broken = tmp_path / "judge.json"
    broken.write_text("{}")
    settings.CLAIM_JUDGE = str(broken)
    assert "Broken" in text(analyst, "/admin/claims/verdict/versions/")


def test_the_sample_is_loaded_once_and_verified(db, monkeypatch):
    monkeypatch.setattr(sample, "VERIFIED", 3)
    said = sample.load()
    assert said == "360 abstracts and 20 claims of SciFact" and sample.load() is None
    run_due("default")
    assert Verdict.objects.count() == 3
    assert set(Claim.objects.values_list("made_by", flat=True)) == {"SciFact"}
    call_command("reverify_claims")
    assert not VerificationRun.objects.filter(status="pending").exists()

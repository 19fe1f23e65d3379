"""Which reports are about the same thing, as far as somebody or something said so."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

INTO_A_ROOT = """
PERFORM FROM reports_report WHERE id = NEW.merged_into_id AND merged_into_id IS NULL FOR SHARE;
IF NOT FOUND THEN
  RAISE EXCEPTION 'a report is merged into one that goes on by itself' USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""
NOTHING_BELOW = """
IF EXISTS (SELECT FROM reports_report r WHERE r.id = NEW.id AND r.merged_into_id IS NOT NULL)
   AND EXISTS (SELECT FROM reports_report r WHERE r.merged_into_id = NEW.id) THEN
  RAISE EXCEPTION 'what was merged into report % goes along with it', NEW.id USING ERRCODE = 'check_violation';
END IF;
RETURN NULL;
"""
MERGED = pgtrigger.Condition("NEW.merged_into_id IS NOT NULL")
# Every merged report leads to its root by one step, whoever writes: no chains, so no cycles either. The first looks
# at, and holds, where a report goes; the second, at the commit, at what went to the report before.
ON_REPORT = [
    pgtrigger.Trigger(
        name="merged_into_a_root",
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("merged_into_id"),
        when=pgtrigger.Before,
        condition=MERGED,
        func=INTO_A_ROOT,
    ),
    pgtrigger.Trigger(
        name="nothing_below_merged",
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("merged_into_id"),
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        condition=MERGED,
        func=NOTHING_BELOW,
    ),
]


class DuplicateLink(models.Model):
    """A report and one that was there before it about the same thing, said by the model or by a person.

    probability: of the model; empty where it had nothing to say. status_before, closed_before and votes (people beyond
    those of the rows) are the report's own, to restore. The merged links are the tree that people built;
    `Report.merged_into` leads to its root at once.
    """

    class State(models.TextChoices):
        SUGGESTED = "suggested"  # by the model; nothing has happened
        MERGED = "merged"
        REJECTED = "rejected"  # not the same, said a person; never suggested again
        UNMERGED = "unmerged"  # merged by mistake

    report = models.ForeignKey("reports.Report", models.CASCADE, related_name="duplicate_links")
    original = models.ForeignKey("reports.Report", models.CASCADE, related_name="links_of_duplicates")
    state = models.CharField(max_length=9, choices=State, default=State.SUGGESTED)
    probability = models.FloatField(null=True)
    model_version = models.CharField(max_length=20, default="")
    distance_m = models.FloatField()
    days = models.FloatField()  # from the original to the report; negative if it was filed later
    status_before = models.CharField(max_length=12, default="", blank=True)
    closed_before = models.DateTimeField(null=True)
    votes = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=1000, default="", blank=True)  # for staff alone

    class Meta:
        ordering = ["report", "-probability", "id"]
        permissions = [("merge_duplicatelink", "Can merge reports, take them apart and reject suggestions")]
        constraints = [
            models.UniqueConstraint(fields=["report", "original"], name="duplicate_link_once"),
            models.UniqueConstraint(fields=["report"], condition=Q(state="merged"), name="duplicate_merged_once"),
            models.CheckConstraint(condition=~Q(report=F("original")), name="duplicate_not_of_itself"),
            models.CheckConstraint(
                condition=Q(state="suggested", decided_at=None, decided_by=None, probability__isnull=False)
                | Q(state__in=["merged", "rejected", "unmerged"], decided_at__isnull=False),
                name="duplicate_link_decided",
            ),
            models.CheckConstraint(
                condition=Q(probability=None) | Q(probability__gte=0, probability__lte=1), name="duplicate_probability"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} → {self.original_id}: {self.state}"

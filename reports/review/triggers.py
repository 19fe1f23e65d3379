"""What the database itself keeps true between reports and the work on them."""

import pgtrigger

NOT_THEIR_OWN = """
IF EXISTS (SELECT FROM reports_report r WHERE r.id = NEW.report_id AND r.reporter_id = NEW.{column})
THEN RAISE EXCEPTION 'nobody reviews a report of their own' USING ERRCODE = 'check_violation';
END IF;
RETURN NEW;
"""
# Locked, so that an item opened while its report changes hands does not miss it.
DEPARTMENT_OF_REPORT = """
SELECT r.department_id INTO NEW.department_id FROM reports_report r WHERE r.id = NEW.report_id FOR SHARE;
RETURN NEW;
"""
FOLLOW = """
UPDATE reports_reviewitem SET department_id = NEW.department_id WHERE report_id = NEW.id AND status <> 'done';
RETURN NULL;
"""
# Whether words are abuse is still to be seen when the problem is solved.
END_NEEDLESS = """
WITH ended AS (
  UPDATE reports_reviewitem SET status = 'done', decided_at = now()
  WHERE report_id = NEW.id AND status <> 'done' AND (NEW.status <> 'resolved' OR NOT why && '{abuse,flagged}')
  RETURNING id, report_id, opened_at)
INSERT INTO reports_reviewdecision (item_id, report_id, kind, model_version, reason, public_text, note, waited_s)
SELECT id, report_id, 'needless', '', '', '', 'The report is ' || NEW.status, extract(epoch FROM now() - opened_at)
FROM ended;
RETURN NULL;
"""


def own_work_refused(column: str, operation: pgtrigger.Operation) -> pgtrigger.Trigger:
    """Refuse a row in which `column` is who filed the report."""
    return pgtrigger.Trigger(
        name="not_their_own", operation=operation, when=pgtrigger.Before, func=NOT_THEIR_OWN.format(column=column)
    )


DEPARTMENT_GIVEN = pgtrigger.Trigger(
    name="department_of_report", operation=pgtrigger.Insert, when=pgtrigger.Before, func=DEPARTMENT_OF_REPORT
)
ON_REPORT = [
    pgtrigger.Trigger(
        name="review_follows",
        operation=pgtrigger.UpdateOf("department_id"),
        when=pgtrigger.After,
        condition=pgtrigger.Condition("OLD.department_id IS DISTINCT FROM NEW.department_id"),
        func=FOLLOW,
    ),
    pgtrigger.Trigger(
        name="review_needless",
        operation=pgtrigger.UpdateOf("status"),
        when=pgtrigger.After,
        condition=pgtrigger.Condition(
            "OLD.status <> NEW.status AND NEW.status IN ('resolved', 'rejected', 'duplicate')"
        ),
        func=END_NEEDLESS,
    ),
]

"""What keeps the rows of lending."""

import pgtrigger

REFUSE = "RAISE EXCEPTION '% is kept', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';"


def never_emptied() -> pgtrigger.Trigger:
    """Refuses TRUNCATE, which triggers of rows do not see."""
    return pgtrigger.Trigger(
        name="never_emptied",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=REFUSE,
    )

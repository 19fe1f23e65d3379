"""How often and how people log in: counted behind them, from the trail and from the codes."""

from __future__ import annotations

from django.db import connection

from accounts.models import Login
from audit.models import Entry
from tasks.definitions import PermanentError

TOTAL = """
INSERT INTO accounts_loginstatistics AS s (user_id, logins, last_at, last_method, last_ip)
VALUES (%(user)s, 1, %(at)s, %(method)s, %(ip)s)
ON CONFLICT (user_id) DO UPDATE SET logins = s.logins + 1, last_at = greatest(s.last_at, excluded.last_at),
  last_method = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last_method ELSE s.last_method END,
  last_ip = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last_ip ELSE s.last_ip END
"""
DAY = """
INSERT INTO accounts_loginday AS d (user_id, day, logins) VALUES (%(user)s, (%(at)s AT TIME ZONE 'UTC')::date, 1)
ON CONFLICT (user_id, day) DO UPDATE SET logins = d.logins + 1
"""
# Every look at a code that did not use it up was a wrong one. Counted anew each time, so no look needs its own task.
FAILED_LOOKS = """
INSERT INTO accounts_loginday AS d (user_id, day, failed_looks)
SELECT u.id, (c.created_at AT TIME ZONE 'UTC')::date, sum(c.tries - (c.used_at IS NOT NULL)::int)
FROM accounts_onetimecode c JOIN accounts_user u ON u.phone = c.phone
WHERE c.tries > (c.used_at IS NOT NULL)::int
  AND c.created_at >= (date_trunc('day', now() AT TIME ZONE 'UTC') - interval '1 day') AT TIME ZONE 'UTC'
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (user_id, day) DO UPDATE SET failed_looks = excluded.failed_looks
WHERE d.failed_looks < excluded.failed_looks
"""


def count_login(entry_id: int) -> bool:
    """Count what an entry `login` of the trail tells. False: it is counted already. Raises PermanentError."""
    entry = Entry.objects.filter(pk=entry_id, action="login").first()
    kind, _, user_id = entry.actor.partition(":") if entry else ("", "", "")
    if entry is None or kind != "user":
        raise PermanentError(f"Entry {entry_id} tells of no login.")
    told = {"user_id": int(user_id), "at": entry.at, "method": entry.metadata["method"], "ip": entry.ip}
    _, is_new = Login.objects.get_or_create(entry_id=entry_id, defaults=told)
    if is_new:
        values = {**told, "user": told["user_id"]}
        with connection.cursor() as cursor:
            cursor.execute(TOTAL, values)
            cursor.execute(DAY, values)
    return is_new


def count_failed_looks() -> int:
    """Count wrong codes of today and yesterday (UTC) by user and day. Returns how many days of users have changed."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED_LOOKS)
        return cursor.rowcount

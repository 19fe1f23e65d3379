"""The rows of reputation: many at once, each (user, rule, subject) counted once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

Earned = tuple[int, str, str]  # user, and type and id of what earned it

# Always in one order, so that two that note the same never wait for each other.
HOLD = "SELECT id FROM accounts_user WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
NOTE = """
WITH noted AS (
  INSERT INTO accounts_reputationchange (user_id, rule, subject_type, subject_id, points)
  SELECT user_id, %s, subject_type, subject_id, %s
  FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS earned(user_id, subject_type, subject_id)
  WHERE user_id = ANY(%s) ORDER BY user_id, subject_type, subject_id
  ON CONFLICT DO NOTHING
  RETURNING user_id, points
), given AS (
  SELECT user_id, sum(points) AS points, count(*) AS changes FROM noted GROUP BY user_id
), counted AS (
  UPDATE accounts_user SET reputation = reputation + given.points FROM given WHERE accounts_user.id = given.user_id
)
SELECT coalesce(sum(changes), 0)::int FROM given
"""


@transaction.atomic
def note_points(rule: str, points: int, earned: Sequence[Earned]) -> tuple[int, int]:
    """Note what is not noted yet. Returns how many were new, and how many are of users that are gone."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [[user_id for user_id, _, _ in earned]])
        there = {number for (number,) in cursor.fetchall()}
        cursor.execute(NOTE, [rule, points, *map(list, zip(*earned, strict=True)), list(there)])
        [new] = cursor.fetchone()
    return new, sum(user_id not in there for user_id, _, _ in earned)

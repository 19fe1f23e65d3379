"""The function that picks and takes the next task; tasks.claims says what it promises."""

from django.db import migrations

FULL = """
CREATE FUNCTION tasks_is_full(kind text, name text, declared int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RETURN least(declared, (SELECT c.max_running FROM tasks_control c
                          WHERE c.kind = tasks_is_full.kind AND c.name = tasks_is_full.name))
    <= (SELECT count(*) FROM tasks_task p WHERE p.status = 'processing'
        AND CASE tasks_is_full.kind WHEN 'queue' THEN p.queue_name ELSE p.name END = tasks_is_full.name);
END $$
"""
DROP_FULL = "DROP FUNCTION tasks_is_full(text, text, int)"
CLAIM = """
CREATE FUNCTION tasks_claim(queues text[], names text[], limited text[], limits int[], lease_s float8, worker text)
RETURNS SETOF tasks_task LANGUAGE plpgsql
-- The index of due tasks is in the order wanted; statistics, stale after every burst, must not talk a plan out of it.
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off
AS $$
DECLARE
  queue text;
  candidate record;
  is_full boolean;
  holding boolean := false;
BEGIN
  -- A claim lost in a crash of the server is no claim: the row is pending again, and nothing waits for the disk.
  -- Tokens are drawn, not counted, so that the holder of a lost claim is not taken for the holder of the next.
  PERFORM set_config('synchronous_commit', 'off', true);
  names := ARRAY(SELECT unnest(names) EXCEPT
                 SELECT c.name FROM tasks_control c WHERE c.kind = 'task' AND c.paused_at IS NOT NULL);
  FOREACH queue IN ARRAY queues LOOP
    CONTINUE WHEN EXISTS (SELECT 1 FROM tasks_control c
                          WHERE c.kind = 'queue' AND c.name = queue AND c.paused_at IS NOT NULL);
    LOOP
      SELECT t.id, t.name INTO candidate FROM tasks_task t
      WHERE t.status = 'pending' AND t.queue_name = queue AND t.run_after <= statement_timestamp()
        AND t.name = ANY(names)
      ORDER BY t.priority DESC, t.run_after LIMIT 1 FOR UPDATE SKIP LOCKED;
      EXIT WHEN NOT FOUND;

      IF EXISTS (SELECT 1 FROM tasks_control c WHERE c.kind = 'queue' AND c.name = queue AND c.max_running IS NOT NULL)
      THEN
        EXIT WHEN tasks_is_full('queue', queue, NULL);
        -- Who holds one lock waits for no other, or two could wait for each other.
        IF holding THEN
          EXIT WHEN NOT pg_try_advisory_xact_lock(29045, hashtext(queue));
        ELSE
          PERFORM pg_advisory_xact_lock(29045, hashtext(queue));
          holding := true;
        END IF;
        -- A new statement sees what was committed before the lock was ours.
        EXIT WHEN tasks_is_full('queue', queue, NULL);
      END IF;

      IF candidate.name = ANY(limited)
        OR EXISTS (SELECT 1 FROM tasks_control c
                   WHERE c.kind = 'task' AND c.name = candidate.name AND c.max_running IS NOT NULL)
      THEN
        is_full := tasks_is_full('task', candidate.name, limits[array_position(limited, candidate.name::text)]);
        IF NOT is_full AND holding THEN
          is_full := NOT pg_try_advisory_xact_lock(29793, hashtext(candidate.name));
        ELSIF NOT is_full THEN
          PERFORM pg_advisory_xact_lock(29793, hashtext(candidate.name));
          holding := true;
        END IF;
        IF is_full OR tasks_is_full('task', candidate.name, limits[array_position(limited, candidate.name::text)]) THEN
          names := array_remove(names, candidate.name::text);
          CONTINUE;
        END IF;
      END IF;

      RETURN QUERY UPDATE tasks_task t SET status = 'processing', attempt = t.attempt + 1,
        lease_token = floor(random() * 2147483647)::int, lease_until = clock_timestamp() + make_interval(secs => lease_s),
        worker = tasks_claim.worker, attempt_started_at = clock_timestamp(),
        started_at = coalesce(t.started_at, clock_timestamp()), progress = 0, progress_message = ''
      WHERE t.id = candidate.id RETURNING t.*;
      RETURN;
    END LOOP;
  END LOOP;
END $$
"""
DROP = "DROP FUNCTION tasks_claim(text[], text[], text[], int[], float8, text)"


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_the_whole_job_system")]
    operations = [migrations.RunSQL(FULL, DROP_FULL), migrations.RunSQL(CLAIM, DROP)]

"""The functions that take the next task and close an attempt; tasks.claims and tasks.store say what they promise."""

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
CREATE FUNCTION tasks_claim(
  queues text[], names text[], limited text[], limits int[], lease_s float8, worker text, alone boolean,
  since_queue text, since timestamptz)
RETURNS SETOF tasks_task LANGUAGE plpgsql
-- The index of due tasks is in the order wanted; statistics, stale after every burst, must not talk a plan out of it.
SET enable_sort = off
AS $$
DECLARE
  queue text;
  candidate record;
  controlled boolean := EXISTS (SELECT 1 FROM tasks_control);
  is_full boolean;
  holding boolean := false;
  due_since timestamptz;
BEGIN
  -- A claim lost in a crash of the server is no claim: the row is pending again, and nothing waits for the disk.
  -- Tokens are drawn, not counted, so that the holder of a lost claim is not taken for the holder of the next.
  IF alone THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  IF controlled THEN
    names := ARRAY(SELECT unnest(names) EXCEPT
                   SELECT c.name FROM tasks_control c WHERE c.kind = 'task' AND c.paused_at IS NOT NULL);
  END IF;
  FOREACH queue IN ARRAY queues LOOP
    CONTINUE WHEN controlled AND EXISTS (SELECT 1 FROM tasks_control c
                          WHERE c.kind = 'queue' AND c.name = queue AND c.paused_at IS NOT NULL);
    due_since := CASE WHEN queue = since_queue THEN since ELSE '-infinity' END;
    LOOP
      SELECT t.id, t.name INTO candidate FROM tasks_task t
      WHERE t.status = 'pending' AND t.queue_name = queue AND t.run_after >= due_since
        AND t.run_after <= statement_timestamp() AND t.name = ANY(names)
      ORDER BY t.priority DESC, t.run_after LIMIT 1 FOR UPDATE SKIP LOCKED;
      IF NOT FOUND AND due_since > '-infinity' THEN
        due_since := '-infinity';
        CONTINUE;
      END IF;
      EXIT WHEN NOT FOUND;

      IF controlled AND EXISTS (
        SELECT 1 FROM tasks_control c WHERE c.kind = 'queue' AND c.name = queue AND c.max_running IS NOT NULL)
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
        OR controlled AND EXISTS (
          SELECT 1 FROM tasks_control c
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
        lease_token = floor(random() * 2147483647)::int,
        lease_until = clock_timestamp() + make_interval(secs => lease_s),
        worker = tasks_claim.worker, attempt_started_at = clock_timestamp(),
        started_at = coalesce(t.started_at, clock_timestamp()), progress = 0, progress_message = ''
      WHERE t.id = candidate.id RETURNING t.*;
      RETURN;
    END LOOP;
  END LOOP;
END $$
"""
END = """
CREATE FUNCTION tasks_end(
  ended_id uuid, token int, next text, outcome text, value jsonb, error_type text, message text, trace text,
  wait_s float8)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  number int;
  worker text;
  started timestamptz;
BEGIN
  UPDATE tasks_task t SET lease_until = NULL,
    status = CASE WHEN next = 'pending' AND t.cancel_requested_at IS NOT NULL THEN 'cancelled' ELSE next END,
    completed_at = CASE WHEN next <> 'pending' OR t.cancel_requested_at IS NOT NULL THEN clock_timestamp() END,
    progress = CASE WHEN next = 'completed' THEN 100 ELSE t.progress END,
    result = value, error_type = tasks_end.error_type, error_message = message, error_traceback = trace,
    run_after = CASE WHEN next = 'pending' THEN clock_timestamp() + make_interval(secs => wait_s)
                     ELSE t.run_after END
  WHERE t.id = ended_id AND t.lease_until IS NOT NULL AND t.lease_token = token
  RETURNING t.attempt, t.worker, t.attempt_started_at INTO number, worker, started;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO tasks_attempt (task_id, number, worker, started_at, ended_at, outcome, error_type, error_message,
                             traceback)
  VALUES (ended_id, number, worker, started, clock_timestamp(), outcome, tasks_end.error_type, message, trace);
  RETURN true;
END $$
"""
DROP = [
    "DROP FUNCTION tasks_claim(text[], text[], text[], int[], float8, text, boolean, text, timestamptz)",
    "DROP FUNCTION tasks_end(uuid, int, text, text, jsonb, text, text, text, float8)",
]


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_the_whole_job_system")]
    operations = [migrations.RunSQL(FULL, DROP_FULL), migrations.RunSQL([CLAIM, END], DROP)]

from django.db import migrations

# Whoever ends a task that waits to be told of (features.emission): the telling is due with the same commit.
TELL_END = """
CREATE FUNCTION features_tell_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE tasks_task SET run_after = clock_timestamp() WHERE unique_key = 'lineage:' || NEW.id AND status = 'pending';
  RETURN NULL;
END;
$$;
CREATE TRIGGER features_tell_end AFTER UPDATE ON tasks_task FOR EACH ROW
WHEN (OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL AND starts_with(NEW.name, 'features.'))
EXECUTE FUNCTION features_tell_end();
"""
FORGET = """
DROP TRIGGER features_tell_end ON tasks_task;
DROP FUNCTION features_tell_end();
"""


class Migration(migrations.Migration):
    dependencies = [("features", "0006_quality"), ("tasks", "0006_lean_rows")]
    operations = [migrations.RunSQL(TELL_END, FORGET)]

"""How many tasks ended in each minute, and how long they waited and ran: statistics read it, not a million rows."""

from django.db import models


class Tally(models.Model):
    """Tasks that ended in a minute, alike in queue, name, state and both times. Times are buckets of a quarter octave.

    wait_bucket, run_bucket: n stands for times up to 2^(n/4) ms; see tasks.statistics.
    minute: the last hour by minute; older ones by hour, stamped one second past it; those of past days under 1970.
    """

    minute = models.DateTimeField()
    queue_name = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=10)
    wait_bucket = models.SmallIntegerField()
    run_bucket = models.SmallIntegerField()
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "queue_name", "name", "status", "wait_bucket", "run_bucket"], name="tally_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.name} {self.status} at {self.minute:%H:%M}"

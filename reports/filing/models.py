"""What somebody did in an hour or a day, counted so that two requests at once never pass a limit together."""

from django.db import models


class Tally(models.Model):
    """How often `whom` did something in the hour or day that begins at `starts_at`; `most` as it then was."""

    pk = models.CompositePrimaryKey("whom", "action", "span", "starts_at")
    whom = models.CharField(max_length=60)  # user:<id>, ip:<address>, or anonymous for all without an account
    action = models.CharField(max_length=10)
    span = models.CharField(max_length=4, choices=[("hour", "hour"), ("day", "day")])
    starts_at = models.DateTimeField()
    used = models.PositiveIntegerField()
    most = models.PositiveIntegerField()

    class Meta:
        app_label = "reports"
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.whom}: {self.action} {self.used} of {self.most}"

"""What Open311 asks and is told that a report has no place for."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now


class Attribute(models.Model):
    """A question that goes with a category: a field of the form that an Open311 client shows."""

    class Datatype(models.TextChoices):
        STRING = "string"  # one line
        NUMBER = "number"
        DATETIME = "datetime"  # ISO 8601
        TEXT = "text"
        SINGLE = "singlevaluelist"
        MULTI = "multivaluelist"

    category = models.ForeignKey("reports.Category", models.CASCADE, related_name="attributes")
    code = models.SlugField(max_length=40)
    datatype = models.CharField(max_length=15, choices=Datatype)
    description = models.CharField(max_length=300)  # the question, as residents read it
    datatype_description = models.CharField(max_length=300, default="", blank=True)
    required = models.BooleanField(default=False)
    variable = models.BooleanField(default=True)  # no: it only says something, and nothing is answered
    values = models.JSONField(default=list, blank=True)  # of lists: [{"key": …, "name": …}]
    position = models.PositiveSmallIntegerField()
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "reports"
        ordering = ["category", "position"]
        constraints = [
            models.UniqueConstraint(fields=["category", "code"], name="attribute_once_per_category"),
            models.UniqueConstraint(fields=["category", "position"], name="attribute_has_its_position"),
        ]

    def __str__(self) -> str:
        return f"{self.category_id}: {self.code}"

    def clean(self) -> None:
        """Lists have values, nothing else has; each is a key and a name. Raises ValidationError."""
        offers = self.datatype in (self.Datatype.SINGLE, self.Datatype.MULTI)
        proper = isinstance(self.values, list) and all(
            isinstance(one, dict)
            and one.keys() == {"key", "name"}
            and all(isinstance(text, str) for text in one.values())
            for one in self.values
        )
        if not proper or offers != bool(self.values):
            raise ValidationError({"values": 'A list of {"key": …, "name": …}: for lists, and only for them.'})


class Submission(models.Model):
    """What came with a request by Open311: answers to questions, and who sent it, for who deals with the report."""

    token = models.UUIDField(primary_key=True, db_default=Func(function="gen_random_uuid"), editable=False)
    report = models.OneToOneField("reports.Report", models.CASCADE, related_name="submission")
    answers = models.JSONField(default=dict)  # code of an attribute → text, or list of keys
    media_url = models.URLField(max_length=500, default="")  # never fetched
    email = models.EmailField(default="")
    phone = models.CharField(max_length=40, default="")
    first_name = models.CharField(max_length=100, default="")
    last_name = models.CharField(max_length=100, default="")
    account_id = models.CharField(max_length=100, default="")  # the client's own id of the person
    device_id = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "reports"

    def __str__(self) -> str:
        return str(self.token)

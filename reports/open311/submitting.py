"""A form of Open311 becomes a report, with what else it told."""

from __future__ import annotations

import math
import re
from typing import Any

from django.db import transaction
from django.db.models.functions import Upper
from django.http import Http404, QueryDict
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from reports.categories import OTHER
from reports.filing.services import file_report
from reports.models import Category, Report
from reports.open311.models import Attribute, Submission
from reports.open311.serializers import Open311RequestFormSerializer
from reports.open311.showing import kind_of, notice, questions
from reports.open311.surface import refuse_elsewhere
from reports.serializers import CONTROL

ANSWER = re.compile(r"attribute\[([^\[\]]{1,60})\](\[\])?")
LONGEST_ANSWER = 2_000
KEPT = ("media_url", "email", "phone", "first_name", "last_name", "account_id", "device_id")
Datatype = Attribute.Datatype


@transaction.atomic
def submit(form: QueryDict, *, by: Any) -> dict[str, Any]:
    """File the report; returns what the client is told. Raises ValidationError, Http404, Blocked and TooOften."""
    fields, answers = _read(form)
    asked = Open311RequestFormSerializer(data=fields)
    asked.is_valid(raise_exception=True)
    told = asked.validated_data
    refuse_elsewhere(told.get("jurisdiction_id"))
    category = Category.objects.filter(code=told["service_code"], is_active=True).select_related("department").first()
    if category is None:
        raise Http404
    checked = _checked(category.code, answers)
    latitude, longitude = _place(told)
    report = file_report(
        by=by,
        title=category.name,
        description=told.get("description", ""),
        latitude=latitude,
        longitude=longitude,
        category=None if category.code == OTHER else category.code,
        address=told.get("address_string", ""),
        source=Report.Source.OPEN311,
    )
    kept = {name: told[name] for name in KEPT if name in told}
    submission = Submission.objects.create(report=report, answers=checked, **kept)
    number = (
        {"service_request_id": str(report.pk)}
        if kind_of(category.code) == "realtime"
        else {"token": str(submission.token)}
    )
    account = {"account_id": told["account_id"]} if "account_id" in told else {}
    return {**number, "service_notice": notice(category), **account}


def _read(form: QueryDict) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Fields and answers; what is empty was not sent."""
    fields: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    for name, values in form.lists():
        values = [value for value in values if value]
        if found := ANSWER.fullmatch(name):
            answers.setdefault(found[1], []).extend(values)
        elif len(values) > 1:
            raise ValidationError({name[:50]: ["This may be sent once."]})
        elif values:
            fields[name] = values[0]
    return fields, {code: values for code, values in answers.items() if values}


def _place(told: dict[str, Any]) -> tuple[float, float]:
    """As told, or where an earlier report of the same address was."""
    if "lat" in told:
        return told["lat"], told["long"]
    known = Report.objects.annotate(place=Upper("address")).filter(place=told["address_string"].upper())
    found = known.exclude(status=Report.Status.REJECTED).values_list("latitude", "longitude").first()
    if found is None:
        raise ValidationError({"address_string": ["This address is not known here: send lat and long too."]})
    return found


def _checked(category: str, answers: dict[str, list[str]]) -> dict[str, Any]:
    """The answers as they are kept. Raises ValidationError with all that is wrong with them."""
    asked = {one.code: one for one in questions(category) if one.variable}
    wrong = {code: "Nobody asks this here." for code in answers.keys() - asked.keys()}
    wrong |= {
        one.code: "This has to be answered." for one in asked.values() if one.required and one.code not in answers
    }
    checked: dict[str, Any] = {}
    for code in answers.keys() & asked.keys():
        try:
            checked[code] = _answer(asked[code], answers[code])
        except ValueError as error:
            wrong[code] = str(error)
    if wrong:
        raise ValidationError({f"attribute[{code}]": [wrong[code]] for code in sorted(wrong)})
    return checked


def _answer(asked: Attribute, values: list[str]) -> str | list[str]:
    """Raises ValueError with a sentence."""
    if asked.datatype == Datatype.MULTI:
        return [_key(asked, value) for value in dict.fromkeys(values)]
    if len(values) > 1:
        raise ValueError("One answer only.")
    value = values[0]
    if len(value) > LONGEST_ANSWER or CONTROL.search(value):
        raise ValueError(f"At most {LONGEST_ANSWER} characters, without control characters.")
    match asked.datatype:
        case Datatype.SINGLE:
            return _key(asked, value)
        case Datatype.STRING if "\n" in value or "\r" in value:
            raise ValueError("One line only.")
        case Datatype.NUMBER if not _is_number(value):
            raise ValueError("A number.")
        case Datatype.DATETIME if not _is_time(value):
            raise ValueError("A time, as in 2010-01-01T00:00:00Z.")
    return value


def _key(asked: Attribute, value: str) -> str:
    keys = [one["key"] for one in asked.values]
    if value not in keys:
        raise ValueError(f"One of {', '.join(keys)}.")
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return parse_datetime(text) is not None
    except ValueError:
        return False

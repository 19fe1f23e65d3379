"""Query parameters from an allowlist: an unknown one is an error, not a silent whole table."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request


def refuse_unknown(request: Request, allowed: set[str]) -> None:
    """Raise a 400 that names each query parameter outside `allowed`, and NUL characters in any value."""
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise ValidationError({name[:50]: ["This parameter is not known here."] for name in unknown})
    for name, value in request.query_params.items():
        if "\x00" in value:
            raise ValidationError({name: ["May not hold NUL characters."]})

"""Open311 GeoReport v2 lives beside the API, not in it."""

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from reports.open311 import views


class FormConverter(StringConverter):
    """The format an answer has, in its address."""

    regex = "json|xml"


register_converter(FormConverter, "form")

urlpatterns = [
    path("open311/discovery.<form:form>", views.Discovery.as_view(), name="open311-discovery"),
    path("open311/v2/services.<form:form>", views.Services.as_view(), name="open311-services"),
    path("open311/v2/services/<slug:code>.<form:form>", views.Definition.as_view(), name="open311-definition"),
    path("open311/v2/requests.<form:form>", views.Requests.as_view(), name="open311-requests"),
    path("open311/v2/requests/<int:number>.<form:form>", views.OneRequest.as_view(), name="open311-request"),
    path("open311/v2/tokens/<uuid:token>.<form:form>", views.Token.as_view(), name="open311-token"),
    re_path(r"^open311/.*?(?:\.(?P<form>json|xml))?$", views.Nothing.as_view()),
]

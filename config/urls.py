"""Every app's `urls.py` under /api/v1/, the console under /admin/, health and metrics at the root.

Paths are written as their documents write them; `base.middleware.either_slash` accepts the other form too.
"""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.pages import verify_email
from base.metrics import metrics


def app_routes() -> list:
    """The routes of each app that has some: features first, then the domains, since they are asked for most."""
    apps = dict.fromkeys(["features", *settings.DOMAINS, *settings.PLATFORM])
    return [route for app in apps if find_spec(f"{app}.urls") for route in import_module(f"{app}.urls").urlpatterns]


def root_routes() -> list:
    """The routes of `root_urls.py` in a domain: standards that have addresses of their own."""
    modules = [f"{app}.root_urls" for app in settings.DOMAINS]
    return [route for module in modules if find_spec(module) for route in import_module(module).urlpatterns]


api = [
    *app_routes(),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("metrics", metrics),
    *root_routes(),
    path("verify-email", verify_email, name="verify-email"),
    path("", include("console.urls")),
]

handler400 = "base.problems.bad_request"
handler403 = "base.problems.permission_denied"
handler404 = "base.problems.not_found"
handler500 = "base.problems.server_error"

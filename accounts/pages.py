"""The page that a mail's link opens: it asks, and only its button confirms, so whoever reads links confirms nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import services
from base.throttles import AnonThrottle

ASK = "Press the button to say that this address is yours."
DONE = "Thank you: your address is verified. You may close this page."
LATER = "Too many tries from here. Wait a minute and press the button again."


@csrf_exempt  # who has the token may say so from anywhere, and nobody is logged in here
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_email(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ASK, token=request.GET.get("token", "")[:100])
    if not AnonThrottle().allow_request(request, None):
        return _page(request, LATER, token=request.POST.get("token", "")[:100], status=429)
    try:
        services.confirm_email(token=request.POST.get("token", "")[:100])
    except services.WrongToken as error:
        return _page(request, str(error.detail), status=error.status_code)
    return _page(request, DONE)


def _page(request: HttpRequest, sentence: str, *, token: str = "", status: int = 200) -> HttpResponse:
    shown = {"sentence": sentence, "token": token}
    response = render(request, "accounts/verify_email.html", shown, status=status)
    response["Referrer-Policy"] = "no-referrer"
    return response

"""A real browser at the console, in which an administrator is logged in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PASSWORD = "a long pass phrase"
IN_BROWSER = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine; install it to run these tests."),
]


@pytest.fixture(scope="module")
def orm_beside_the_browser() -> Iterator[None]:
    """The browser's driver runs an event loop in this thread, and Django would refuse the database beside it."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def chromium(orm_beside_the_browser: None) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, live_server) -> Iterator[Any]:
    """An administrator at the console. Fails at the end if the browser had anything to complain about."""
    from playwright.sync_api import expect

    from accounts.models import User

    User.objects.create_superuser("boss", password=PASSWORD)
    view = chromium.new_context(viewport={"width": 1400, "height": 900}, base_url=live_server.url)
    view.set_default_timeout(15_000)
    tab, complaints = view.new_page(), []
    tab.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    ours = (live_server.url, "data:", "blob:")
    tab.on("request", lambda asked: None if asked.url.startswith(ours) else complaints.append(f"left: {asked.url}"))
    tab.goto("/admin/")
    tab.fill("input[name=username]", "boss")
    tab.fill("input[name=password]", PASSWORD)
    tab.click("button[type=submit]")
    expect(tab).to_have_title(re.compile("Dashboard"))
    yield tab
    view.close()
    assert complaints == []

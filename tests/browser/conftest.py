"""A real browser in front of a real server, which serves the application under test."""

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from campaigns_app.accounts.models import Account, User
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, get_queue, get_redis
from tests.factories import PASSWORD, make_account, make_user
from tests.serving import serving

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
EXPECTED = re.compile(r"status of 422|^htmx:(afterRequest|sendAbort)")
"""A refused form is an answer like others to us, and a request that a later one replaces is meant
to be; the browser's console calls them errors."""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips where there is none.

    Playwright keeps an event loop running in this thread, in which no other test could run one of
    its own: it is closed as soon as the run goes on to another file.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser found: none of {', '.join(PROGRAMS)}")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def address(app: Flask, csrf: None) -> Iterator[str]:
    """Where the application is served, with its protection against forged requests on."""
    with serving(app) as url:
        yield url


@pytest.fixture
def account(app: Flask) -> Account:
    """The account that the page shows."""
    return make_account(name="Acme")


@pytest.fixture
def person(account: Account) -> User:
    """Whoever sits in front of the browser; lives in Berlin."""
    return make_user(account, name="Ada Lovelace", time_zone="Europe/Berlin")


@pytest.fixture
def open_page(chromium: Browser, address: str, person: User) -> Iterator[OpenPage]:
    """Open the list of campaigns, logged in. At the end no page may have complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not EXPECTED.search(message.text):
            complaints.append(message.text)

    def opened(width: int = 1280, scheme: str = "light", script: bool = True) -> Page:
        context = chromium.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            locale="en-US",
            timezone_id="Europe/Berlin",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        email = person.email
        # Reading it took SQLite's write lock, which the server's own threads wait for.
        db.session.rollback()
        page.goto("/campaigns/")
        log_in(page, email)
        return page

    yield opened
    # Closing a page cuts off what it is asking for at the moment, of which it complains rightly.
    before_closing = list(complaints)
    for context in contexts:
        context.close()
    assert before_closing == []


@pytest.fixture
def work(app: Flask) -> Callable[[], None]:
    """Do what lies in the queue for campaigns, as a worker would, until nothing is left."""

    def run() -> None:
        worker = SimpleWorker(
            [get_queue(CAMPAIGNS)], connection=get_redis(), serializer=JSONSerializer
        )
        worker.work(burst=True)
        db.session.rollback()

    return run


def log_in(page: Page, email: str) -> None:
    """Log in, at the login to which the page has led or will lead, and get to the campaigns."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/campaigns/")

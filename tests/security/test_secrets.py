"""SR: tokens, codes and keys are on no disk, in no log, in no page, and open in no other place than their own."""

import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp.accounts.models import ConnectedAccount
from connectapp.accounts.store import AccountStore
from connectapp.errors import UnreadableError
from connectapp.vault import get_vault
from tests.security.routes import ROUTES, Cast
from tests.support.canaries import found, on_disk, secrets_of
from tests.support.rows import EITHER_DATABASE, answer_page, logged, params, refuse_inserts, statuses
from tests.support.sandbox import SECRET_KEY
from tests.support.site import Browser, Site


@pytest.mark.row("SR-01", "SR-11", "CR-07")
def test_no_secret_is_on_disk_or_in_a_log(site: Site, tmp_path: Path) -> None:
    person = site.person()
    with logged(site) as log:
        browser = site.browser(person)
    trips = [browser.callback_url("deny"), *(browser.callback_url() for _ in range(5))]
    faults: list[dict[str, Any]] = [
        {"endpoint": "token", "after": True, "status": 500},
        {"endpoint": "token", "json_merge": {"livemode": "no"}},
        {"endpoint": "account", "json_merge": {"id": "acct_1Other"}},
    ]
    for url, fault in zip(trips, [None, None, *faults, None], strict=True):
        if fault:
            site.sandbox.fault(**fault)
        if url == trips[-1]:
            refuse_inserts(site, "connected_account")  # as after a crash, the journal has it
        with logged(site) as more:
            answer_page(browser, url)
        log += more
    with logged(site) as more:
        site.recover()
        browser.get("/accounts")
    log += more
    assert [status for status, _ in statuses(site)].count("exchanging") == 1
    assert len(list((tmp_path / "journal").iterdir())) == 1
    canaries = secrets_of(site, *trips) | {cookie.value for cookie in browser.cookiejar if "session" in cookie.name}
    assert len(canaries) > 15
    assert found([site.accounts()[0].external_id], on_disk(site, tmp_path))  # so that we know that it would be seen
    assert found(canaries, on_disk(site, tmp_path)) == []
    assert found(["oauth/token"], ["\n".join(log).encode()])
    assert found(canaries, ["\n".join(log).encode()]) == []


@contextmanager
def nosy_log() -> Iterator[io.StringIO]:
    """A log as an error collector keeps it: with the local variables of every frame."""
    text = io.StringIO()

    class Nosy(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1]:
                told = traceback.TracebackException.from_exception(record.exc_info[1], capture_locals=True)
                text.write("".join(told.format()))

    handler = Nosy()
    logging.getLogger().addHandler(handler)
    try:
        yield text
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.mark.inside("it reads the variables of this process")
@pytest.mark.row("SR-10")
@pytest.mark.parametrize("table", ["connected_account", "provider_account"])
def test_an_error_tells_no_token_even_with_its_locals(site: Site, browser: Browser, table: str) -> None:
    url = browser.callback_url()
    refuse_inserts(site, table)
    with nosy_log() as text, logged(site) as lines:
        answer_page(browser, url)
    told = text.getvalue()
    assert "try again" in told
    assert "********" in told
    grants = site.sandbox.ledger()["grants"]
    canaries = {grant[name] for grant in grants for name in ("access_token", "refresh_token")}
    canaries |= {params(url)["code"][0], SECRET_KEY}
    assert found(canaries, [told.encode(), "\n".join(lines).encode()]) == []


SWAPS = [
    "UPDATE connected_account SET access_token = refresh_token",
    "UPDATE connected_account SET access_token = (SELECT access_token FROM connected_account WHERE id = :other)",
    "UPDATE connected_account SET organizer_id = :organizer",
    "UPDATE provider_account SET mode = 'live'",
    "UPDATE provider_account SET provider = 'other'",
    "UPDATE connected_account SET id = :new WHERE id = :id",
    "UPDATE connected_account SET access_token = :altered",
]


@pytest.mark.row("SR-04")
@pytest.mark.parametrize("number", range(len(SWAPS)))
def test_a_token_opens_in_its_own_place_alone(site: Site, browser: Browser, number: int) -> None:
    browser.connect()
    (account,) = site.accounts()
    site.signed_in("piet").connect()
    (other,) = [one for one in site.accounts() if one.id != account.id]
    ring = get_vault(site.registry)

    def opened(account_id: str) -> object:
        with Session(site.engine) as session:
            link = session.scalars(select(ConnectedAccount).filter_by(id=account_id)).one()
            return AccountStore(session, ring).access_token(link)

    assert opened(account.id)
    new = "0192f0c0-0000-7000-8000-000000000000"
    altered = bytes(account.access_token)[:-1] + bytes([bytes(account.access_token)[-1] ^ 1])
    values = {"other": other.id, "organizer": other.organizer_id, "new": new, "id": account.id, "altered": altered}
    if ":new" in SWAPS[number]:
        site.change("UPDATE attempt SET account_id = NULL")
    site.change(SWAPS[number], **{name: value for name, value in values.items() if f":{name}" in SWAPS[number]})
    with pytest.raises(UnreadableError):
        opened(new if ":new" in SWAPS[number] else account.id)


@pytest.mark.row("SR-04")
def test_what_an_attempt_holds_opens_in_that_attempt_alone(make_two, evil) -> None:
    site = make_two()
    browser = site.signed_in()
    first, second = browser.leave("evil"), browser.leave("evil")
    one, two = site.attempts()
    site.change("UPDATE attempt SET verifier = :moved WHERE id = :id", moved=one.verifier, id=two.id)
    url = evil.back(second)
    assert browser.get(url, expect_errors=True).status_int == 503
    assert evil.redemptions() == 0
    assert statuses(site) == [("pending", None), ("pending", None)]
    assert "Connected" in answer_page(browser, evil.back(first)).text


@EITHER_DATABASE
@pytest.mark.row("SR-13")
def test_no_page_holds_a_token(make_site) -> None:
    site = make_site(demo="true")
    cast = Cast(site)
    owner = cast.browsers["owner"]
    waiting = site.sandbox.decide(owner.leave(replaces=cast.account.id)).removeprefix("https://app.test")
    pages = [owner.get(waiting, status=303), answer_page(owner, waiting)]
    assert "Replace the account?" in pages[1].text
    pages += [response for actor, _route, response in cast.tour() if actor in {"owner", "member"}]
    pages.append(owner.get("/accounts"))
    assert len(pages) > 2 * len(ROUTES)
    grants = site.sandbox.ledger()["grants"]
    canaries = {grant[name] for grant in grants for name in ("access_token", "refresh_token", "account")}
    canaries |= {SECRET_KEY, params(waiting)["code"][0], params(waiting)["state"][0]}
    assert len(canaries) > 7
    assert found(canaries, [str(page).encode() for page in pages]) == []


@pytest.mark.row("SR-15")
def test_without_tokens_nothing_is_kept_and_disconnecting_works(make_site) -> None:
    site = make_site(provider__stripe__store_tokens="false")
    browser = site.signed_in()
    browser.connect()
    (account,) = site.accounts()
    assert (account.access_token, account.refresh_token) == (None, None)
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == []
    back = site.sandbox.decide(browser.leave(replaces=account.id)).removeprefix("https://app.test")
    answer_page(browser, back)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    (asked,) = site.sandbox.requests("/oauth/deauthorize")
    assert asked["headers"]["Authorization"] == f"Bearer {SECRET_KEY}"
    assert [one.status for one in site.accounts()] == ["disconnected"]

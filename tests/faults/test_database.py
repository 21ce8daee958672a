"""A database that takes no writes, or has no connection left: a page that says so, and nothing is spent."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import create_engine, text

from tests.support.rows import POSTGRESQL_ONLY, answer_page, statuses
from tests.support.site import Browser, Site


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """As after a failover, on a replica that follows."""
    application = site.registry["connectapp.engine"]
    admin = create_engine(application.url, isolation_level="AUTOCOMMIT")
    name = application.url.database
    with admin.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        application.dispose()
        yield
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
        application.dispose()
    admin.dispose()


@POSTGRESQL_ONLY
@pytest.mark.row("DP-09")
def test_on_a_database_that_takes_no_writes_nothing_is_spent(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    fields = {"csrf_token": browser.token("/connect/stripe"), "target": "accounts"}
    with read_only(site):
        answer = browser.get(url, expect_errors=True)
        leaving = browser.post("/connect/stripe/authorize", fields, expect_errors=True)
        assert browser.get("/accounts").status_int == 200  # who only looks may
    assert (answer.status_int, leaving.status_int) == (503, 503)
    assert answer.headers["Retry-After"]
    assert "http://127.0.0.1" not in leaving.text
    assert site.sandbox.redemptions() == 0
    assert statuses(site) == [("pending", None)]
    assert "Connected" in answer_page(browser, url).text


@POSTGRESQL_ONLY
@pytest.mark.row("DP-09")
def test_without_a_free_connection_nothing_is_spent(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    engine = site.registry["connectapp.engine"]
    with ExitStack() as taken:
        for _ in range(engine.pool.size() + engine.pool._max_overflow):
            taken.enter_context(engine.connect())
        answer = browser.get(url, expect_errors=True)
    assert answer.status_int == 503
    assert site.sandbox.redemptions() == 0
    assert statuses(site) == [("pending", None)]
    assert "Connected" in answer_page(browser, url).text

"""AZ: who may do what where, for every view that there is."""

import re

import pytest

from tests.security.routes import ACTORS, NOWHERE, ROUTES, Cast, introspected
from tests.support.rows import EITHER_DATABASE, SQLITE_ONLY, raw_request, state
from tests.support.site import Browser, Site


@SQLITE_ONLY
@pytest.mark.row("AZ-01")
def test_every_view_is_in_the_table(site: Site) -> None:
    assert {(route.method, *route.view) for route in ROUTES} == introspected(site)


@EITHER_DATABASE
@pytest.mark.row("AZ-01", "AZ-03", "AZ-05")
def test_every_actor_gets_what_the_table_says(make_site) -> None:
    site = make_site(demo="true", signup="open", mail__server="http://127.0.0.1:1/mail", mail__from="a@b.test")
    cast = Cast(site)
    for actor, route, response in cast.tour():
        if actor == "owner" and route is ROUTES[0]:
            # Everybody else has been everywhere; nothing of the owner's has changed.
            assert site.accounts() == [cast.account]
            assert len(site.sandbox.live_grants()) == 1
            assert site.sandbox.requests("/oauth/deauthorize") == []
        assert response.status_int == route.expected(actor), (actor, route)
        assert ("TEST MODE" in response.text) == (response.status_int != 303), route  # on every page, errors too
    begun = site.rows("SELECT u.email FROM attempt a JOIN \"user\" u ON u.id = a.user_id WHERE a.status = 'pending'")
    assert sorted(row[0] for row in begun) == ["olga@example.test", "piet@example.test"]
    assert [account.status for account in site.accounts()] == ["disconnected"]
    assert len(site.sandbox.requests("/oauth/deauthorize")) == 1


@SQLITE_ONLY
@pytest.mark.row("AZ-01")
def test_the_demo_is_there_in_a_demo_only(site: Site) -> None:
    site.browser().submit("/signin/demo", status=404)
    assert site.rows("SELECT * FROM session") == []


def likeness(response) -> object:
    """What of an answer could tell one from another; its reference id differs always."""
    headers = {name: value for name, value in response.headers.items() if name not in {"X-Reference", "Set-Cookie"}}
    return response.status_int, headers, response.text.replace(response.headers["X-Reference"], "")


@pytest.mark.row("AZ-02", "AZ-03")
def test_what_is_somebody_elses_does_not_exist(site: Site) -> None:
    cast = Cast(site)
    before = state(site)
    other = cast.browsers["other"]
    for template, theirs in (
        ("/accounts/{}", cast.account.id),
        ("/accounts/{}/disconnect", cast.account.id),
        ("/connect/stripe/result?attempt={}", cast.attempt.id),
        ("/events/{}", cast.event),
        ("/events/{}/edit", cast.event),
    ):
        answers = [other.get(template.format(one), status=404) for one in (theirs, NOWHERE)]
        assert likeness(answers[0]) == likeness(answers[1])
    for path, field in (
        ("/accounts/{}/disconnect", None),
        ("/accounts/{}/revoke", None),
        ("/connect/stripe", "replaces"),
    ):
        for one in (cast.account.id, NOWHERE):
            if field:
                other.submit("/connect/stripe/authorize", {"target": "accounts", field: one}, status=400)
            else:
                other.submit(path.format(one), status=404)
    for one in (cast.attempt.id, NOWHERE):
        other.submit("/connect/stripe/confirm", {"attempt": one, "decision": "replace"}, status=400)
    assert state(site) == before
    assert site.sandbox.requests("/oauth/deauthorize") == []


@pytest.mark.row("AZ-04")
def test_what_a_form_does_not_ask_is_not_taken(site: Site, browser: Browser) -> None:
    piet = site.person("piet")
    browser.connect()
    (before,) = site.accounts()
    wishes = {"organizer_id": piet.organizer_id, "account_id": "acct_1Wish", "status": "active", "livemode": "true"}
    wishes |= {"scopes": "everything", "role": "owner", "version": "99", "mode": "live"}
    browser.submit(f"/accounts/{before.id}/disconnect", wishes, status=303)
    (after,) = site.accounts()
    assert (after.organizer_id, after.external_id, after.mode) == (before.organizer_id, before.external_id, "test")
    assert (after.status, after.scope) == ("disconnected", before.scope)
    site.browser().submit("/signin", {"email": piet.email, "password": "wrong password", **wishes}, status=403)
    assert site.rows("SELECT role FROM membership") == [("owner",), ("owner",)]


@EITHER_DATABASE
@pytest.mark.row("AZ-05")
@pytest.mark.parametrize("actor", ["anonymous", "member", "roleless"])
def test_who_may_not_connect_begins_nothing(site: Site, actor: str) -> None:
    cast = Cast(site)
    seen = len(site.sandbox.ledger()["requests"])
    page = cast.browsers[actor].submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    assert "state=" not in page.text
    assert len(site.attempts()) == 1
    assert len(site.sandbox.ledger()["requests"]) == seen


@pytest.mark.row("AZ-06", "SE-07")
def test_a_change_of_role_counts_at_once(site: Site) -> None:
    cast = Cast(site)
    owner = cast.browsers["owner"]
    path = f"/accounts/{cast.account.id}/disconnect"
    owner.get(path, status=200)
    site.change("UPDATE membership SET role = 'member'")
    owner.get(path, status=403)
    owner.submit(path, status=403)
    owner.get("/accounts", status=200)
    site.change("DELETE FROM membership")
    owner.get("/accounts", status=403)
    assert site.accounts() == [cast.account]


TRICKS = [
    "//accounts",
    "/accounts//{account}",
    "/./accounts/{account}",
    "/x/../accounts/{account}",
    "/signin/../accounts/{account}",
    "/static/../accounts/{account}",
    "/accounts/{account}/",
    "/accounts/{account};x",
    "/accounts/{account}.",
    "/accounts/{account}%2f",
    "/ACCOUNTS/{account}",
    "/accounts/{upper}",
    "/accounts/{account}\0",
    "/accounts/@@disconnect",
    "/accounts/{account}/@@disconnect",
    "/@@signin/accounts",
    "/connect/stripe/@@authorize",
    "/connect/stripe/../../accounts/{account}",
]


@SQLITE_ONLY
@pytest.mark.row("AZ-07")
@pytest.mark.parametrize("actor", [actor for actor in ACTORS if actor not in {"owner", "member"}])
def test_no_spelling_of_a_path_opens_a_door(site: Site, actor: str) -> None:
    cast = Cast(site)
    before = state(site)
    for trick in TRICKS:
        path = trick.format(account=cast.account.id, upper=cast.account.id.upper())
        for method in ("GET", "POST"):
            response = raw_request(cast.browsers[actor], path, method)
            assert response.status_int in {200, 303, 400, 403, 404, 405}, (method, path)
            assert not re.search("Riverside|olga@", response.text), (method, path)
    assert state(site) == before
    assert len(site.sandbox.live_grants()) == 1

"""Members and their roles: an owner changes them, with effect on the next request, and there is always an owner."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.functional.test_invitations import invite, roles
from tests.functional.test_stepup import answer, grow_old
from tests.support.site import PASSWORD, Browser, Person, Site


@pytest.fixture
def olga(site: Site) -> Person:
    return site.person("olga")


@pytest.fixture
def owner(site: Site, olga: Person) -> Browser:
    return site.browser(olga)


@pytest.fixture
def mia(site: Site, olga: Person) -> Person:
    return site.person("mia", organizer="Olga Events", role="member")


def change(owner: Browser, person: Person, role: str, **kwargs: Any) -> Any:
    return owner.submit("/members/change", {"user": person.user_id, "role": role}, **kwargs)


def remove(owner: Browser, person: Person, **kwargs: Any) -> Any:
    return owner.submit("/members/remove", {"user": person.user_id}, **kwargs)


def test_the_list(site: Site, owner: Browser, mia: Person) -> None:
    page = owner.get("/members")
    assert page.text.index("olga@example.test") < page.text.index("mia@example.test")
    assert "(you)" in page.text
    assert 'action="/members/invite"' in page.text
    page = site.browser(mia).get("/members")
    assert "olga@example.test" in page.text
    assert 'action="/members/' not in page.text
    assert 'href="/members/leave"' in page.text


@pytest.mark.row("AZ-06")
def test_a_changed_role_counts_at_once_and_is_mailed(site: Site, owner: Browser, mia: Person) -> None:
    member = site.browser(mia)
    member.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    change(owner, mia, "owner", status=303)
    member.leave()
    change(owner, mia, "owner", status=303)  # nothing new
    change(owner, mia, "member", status=303)
    member.submit("/connect/stripe/authorize", {"target": "accounts"}, status=403)
    mails = site.mails(to=mia.email)
    assert [mail.subject for mail in mails] == ["Your role was changed"] * 2
    assert "you are an owner now" in mails[0].body
    assert site.audit().count("member.role_changed") == 2


@pytest.mark.row("AZ-06", "ST-13")
def test_a_removed_member_is_out_at_once_and_hears_of_it(site: Site, owner: Browser, mia: Person) -> None:
    member = site.browser(mia)
    change(owner, mia, "owner", status=303)
    callback = member.callback_url()
    remove(owner, mia, status=303)
    assert roles(site) == {"olga": "owner"}
    member.get("/events", status=403)
    member.get(callback, status=303)
    assert site.sandbox.redemptions() == 0
    assert [attempt.reason for attempt in site.attempts()] == ["role_lost"]
    assert "do not belong to an organizer" in member.get("/", status=303).follow().text
    assert site.mails(to=mia.email)[-1].subject == "You were removed"
    assert site.audit().count("member.removed") == 1


def test_leaving(site: Site, owner: Browser, mia: Person) -> None:
    member = site.browser(mia)
    assert "Leave" in member.get("/members/leave").text
    member.submit("/members/leave", status=303)
    assert roles(site) == {"olga": "owner"}
    member.submit("/members/leave", status=403)
    assert site.audit().count("member.left") == 1
    assert site.mails(to=mia.email) == []


def test_who_leaves_acts_for_another_organizer_then(site: Site, owner: Browser, mia: Person) -> None:
    piet = site.person("piet")
    site.join(mia, piet.organizer_id, "member")
    member = site.browser(mia)
    member.submit("/members/leave", status=303)
    assert "Piet Events" in member.get("/", status=303).follow().text


@pytest.mark.parametrize("path", ["leave", "change"])
def test_the_last_owner_stays(site: Site, owner: Browser, olga: Person, mia: Person, path: str) -> None:
    page = owner.submit(f"/members/{path}", {"user": olga.user_id, "role": "member"}, status=409)
    assert "Make somebody else an owner first" in page.text
    assert roles(site) == {"olga": "owner", "mia": "member"}
    change(owner, mia, "owner", status=303)
    owner.submit(f"/members/{path}", {"user": olga.user_id, "role": "member"}, status=303)


def test_a_disabled_owner_is_none(site: Site, owner: Browser, mia: Person) -> None:
    change(owner, mia, "owner", status=303)
    site.change('UPDATE "user" SET disabled_at = created_at WHERE id = :id', id=mia.user_id)
    owner.submit("/members/leave", status=409)
    assert roles(site) == {"olga": "owner", "mia": "owner"}


@pytest.mark.parametrize("path", ["leave", "change", "remove"])
def test_two_owners_at_once_leave_one(site: Site, owner: Browser, olga: Person, mia: Person, path: str) -> None:
    change(owner, mia, "owner", status=303)
    browsers = {mia.user_id: owner, olga.user_id: site.browser(mia)}
    tokens = {user: browser.token() for user, browser in browsers.items()}

    def go(user: str) -> int:
        fields = {"csrf_token": tokens[user], "user": user, "role": "member"}
        return browsers[user].post(f"/members/{path}", fields, expect_errors=True).status_int

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(go, browsers))
    assert answers[0] == 303
    assert answers[1] in {403, 404, 409}
    assert list(roles(site).values()).count("owner") == 1


@pytest.mark.row("AZ-02", "AZ-03")
@pytest.mark.parametrize("path", ["change", "remove", "withdraw", "resend"])
def test_nobody_manages_other_peoples_members(site: Site, owner: Browser, mia: Person, path: str) -> None:
    invite(owner)
    (invitation,) = site.rows("SELECT * FROM mailed_link")
    piet = site.signed_in("piet")
    for user, waiting in ((mia.user_id, invitation.id), ("0192f0c0-0000-7000-8000-000000000000", "nonsense\u20ac")):
        fields = {"user": user, "role": "owner", "invitation": waiting}
        page = piet.submit(f"/members/{path}", fields, status=404)
        assert "There is no such page" in page.text
    assert roles(site) == {"olga": "owner", "mia": "member"}
    assert site.rows("SELECT * FROM mailed_link") == [invitation]


@pytest.mark.row("SE-09")
@pytest.mark.parametrize("path", ["invite", "change", "remove", "resend", "withdraw"])
def test_managing_asks_for_the_password_again(site: Site, owner: Browser, mia: Person, path: str) -> None:
    invite(owner)
    (invitation,) = site.rows("SELECT id FROM mailed_link")
    before = site.audit()
    grow_old(site)
    fields = {"user": mia.user_id, "role": "owner", "invitation": invitation.id, "email": "x@example.test"}
    page = owner.submit(f"/members/{path}", fields, status=403)
    assert "Your password, please" in page.text
    assert site.audit() == before
    answer(owner, page, PASSWORD, status=303)
    assert len(site.audit()) == len(before) + 2

"""Invitations by mail: for one address, once, and as long as whoever invited is an owner."""

from typing import Any

import pytest

from tests.functional.test_signup import GOOD
from tests.support.rows import ago, set_times
from tests.support.site import PASSWORD, Browser, Person, Site

EMAIL = "nora@example.test"


@pytest.fixture
def owner(site: Site) -> Browser:
    return site.signed_in("olga")


def invite(owner: Browser, email: str = EMAIL, role: str = "member", **kwargs: Any) -> Any:
    return owner.submit("/members/invite", {"email": email, "role": role}, **kwargs)


def link(site: Site, email: str = EMAIL) -> str:
    """The newest invitation that was mailed."""
    return [mail for mail in site.mails(to=email) if mail.subject == "You are invited"][-1].link("/invite")


def accept(browser: Browser, path: str, **fields: Any) -> Any:
    status = fields.pop("status", 303)
    return browser.submit("/invite", {"token": path.partition("token=")[2], **fields}, status=status)


def roles(site: Site) -> dict[str, str]:
    rows = site.rows(
        'SELECT u.email, o.name, m.role FROM membership m JOIN "user" u ON u.id = m.user_id '
        "JOIN organizer o ON o.id = m.organizer_id WHERE o.name = 'Olga Events'"
    )
    return {email.partition("@")[0]: role for email, _name, role in rows}


def test_somebody_new_chooses_a_password_and_is_in(site: Site, owner: Browser) -> None:
    invite(owner, " Nora@Example.TEST ", status=303)
    page = owner.get("/members")
    assert EMAIL in page.text
    (mail,) = site.mails(to=EMAIL)
    assert "olga@example.test invites you to “Olga Events”" in mail.body
    assert "as a member" in mail.body
    path = mail.link("/invite")
    browser = site.browser()
    for _ in range(2):
        page = browser.get(path, status=200)
    assert "Olga Events" in page.text
    assert roles(site) == {"olga": "owner"}
    assert "easy to guess" in accept(browser, path, password=EMAIL, status=400).text
    accept(browser, path, password=GOOD)
    assert roles(site) == {"olga": "owner", "nora": "member"}
    assert "Olga Events" in browser.get("/events").text
    assert site.mails(to="olga@example.test")[-1].subject == "Your invitation was accepted"
    assert [name for name in site.audit() if name.startswith("member.")] == ["member.invited", "member.joined"]
    accept(site.browser(), path, password=GOOD, status=410)
    again = site.browser()
    again.sign_in(EMAIL, GOOD)
    assert again.get("/accounts").status_int == 200


def test_somebody_known_gives_the_password_and_is_in(site: Site, owner: Browser) -> None:
    nora = site.person("nora")
    invite(owner, role="owner")
    path, browser = link(site), site.browser()
    assert "Your password here" in browser.get(path).text
    accept(browser, path, password="wrong" + PASSWORD, status=403)
    assert roles(site) == {"olga": "owner"}
    accept(browser, path, password=PASSWORD)
    assert roles(site) == {"olga": "owner", "nora": "owner"}
    assert "Olga Events" in browser.get("/events").text
    assert nora.organizer_id


@pytest.mark.row("AD-04")
def test_guessing_at_an_invitation_is_counted_as_at_the_sign_in(site: Site, owner: Browser) -> None:
    site.person("nora")
    invite(owner)
    path = link(site)
    for _ in range(10):
        accept(site.browser(), path, password="wrong" + PASSWORD, status=403)
    accept(site.browser(), path, password=PASSWORD, status=429)
    site.browser().submit("/signin", {"email": EMAIL, "password": PASSWORD}, status=429)
    assert roles(site) == {"olga": "owner"}


def test_who_is_signed_in_joins_with_one_button(site: Site, owner: Browser) -> None:
    nora = site.signed_in("nora")
    invite(owner)
    path = link(site)
    assert 'name="password"' not in nora.get(path).text
    accept(nora, path)
    assert "Olga Events" in nora.get("/events").text


@pytest.mark.row("AZ-03")
def test_an_invitation_is_for_one_address_alone(site: Site, owner: Browser) -> None:
    invite(owner)
    path = link(site)
    piet = site.signed_in("piet")
    page = piet.get(path, status=200)
    assert "for another address" in page.text
    accept(piet, path, status=403)
    accept(piet, path, password=GOOD, email="piet@example.test", status=403)
    assert roles(site) == {"olga": "owner"}
    assert site.rows('SELECT id FROM "user" WHERE email = :email', email=EMAIL) == []


def demote(site: Site, owner: Browser) -> None:
    site.change("UPDATE membership SET role = 'member'")


def withdraw(site: Site, owner: Browser) -> None:
    (row,) = site.rows("SELECT id FROM mailed_link")
    owner.submit("/members/withdraw", {"invitation": row.id}, status=303)


def expire(site: Site, owner: Browser) -> None:
    set_times(site, "mailed_link", expires_at=ago(minutes=0))


def disable(site: Site, owner: Browser) -> None:
    site.change('UPDATE "user" SET disabled_at = created_at')


def invite_again(site: Site, owner: Browser) -> None:
    invite(owner, status=303)


@pytest.mark.parametrize("end", [demote, withdraw, expire, disable, invite_again])
def test_invitations_that_do_not_work_any_more(site: Site, owner: Browser, end: Any) -> None:
    invite(owner)
    path = link(site)
    end(site, owner)
    site.browser().get(path, status=410)
    accept(site.browser(), path, password=GOOD, status=410)
    assert set(roles(site)) == {"olga"}


def test_who_is_a_member_already_keeps_the_role(site: Site, owner: Browser) -> None:
    olga_id = site.rows("SELECT id FROM organizer")[0].id
    invite(owner)
    nora = site.person("nora")
    site.join(nora, olga_id)
    browser = site.browser(nora)
    accept(browser, link(site))
    assert roles(site) == {"olga": "owner", "nora": "owner"}
    page = invite(owner, status=400)
    assert "a member already" in page.text
    assert f'value="{EMAIL}"' in page.text


def test_where_the_admin_makes_the_users(make_site) -> None:
    site = make_site(signup="closed")
    owner = site.signed_in("olga")
    invite(owner)
    path = link(site)
    assert "admin makes the users" in site.browser().get(path, status=200).text
    accept(site.browser(), path, password=GOOD, status=403)
    nora: Person = site.person("nora")
    accept(site.browser(nora), path)
    assert roles(site) == {"olga": "owner", "nora": "member"}


def test_without_mail_nobody_is_invited(make_site) -> None:
    site = make_site(signup="closed", mail__server="", mail__from="")
    owner = site.signed_in("olga")
    assert 'action="/members/invite"' not in owner.get("/members").text
    assert "sends no mail" in invite(owner, status=400).text
    assert site.rows("SELECT * FROM mailed_link") == []


@pytest.mark.parametrize(
    "email", ["", "nora", "a@b@c.test", "x@y.test\r\nBcc: z@y.test", "\0", "x" * 250 + "@example.test"]
)
def test_what_is_no_address(site: Site, owner: Browser, email: str) -> None:
    page = invite(owner, email, "owner", status=400)
    assert "not an e-mail address" in page.text
    assert 'value="owner" selected' in page.text
    assert site.rows("SELECT * FROM mailed_link") == []


@pytest.mark.row("AZ-04")
@pytest.mark.parametrize(
    "fields", [{"role": "admin"}, {"role": ""}, {}, {"role": "owner", "email": ["x@y.test", "z@y.test"]}]
)
def test_roles_are_two(site: Site, owner: Browser, fields: dict[str, Any]) -> None:
    owner.submit("/members/invite", {"email": EMAIL} | fields, status=400)
    assert site.rows("SELECT * FROM mailed_link") == []


def test_mails_and_invitations_are_bounded(site: Site, owner: Browser) -> None:
    for _ in range(5):
        invite(owner, status=303)
    page = invite(owner, status=400)
    assert "many mails" in page.text
    site.browser().get(link(site), status=200)  # the fifth still works
    for number in range(49):
        invite(owner, f"n{number}@example.test", status=303)
    assert "50 invitations" in invite(owner, "one.more@example.test", status=400).text
    assert len(site.rows("SELECT id FROM mailed_link WHERE used_at IS NULL")) == 50


def test_a_hostile_name_stays_inside_its_quotes(site: Site) -> None:
    owner = site.signed_in("olga")
    site.change("UPDATE organizer SET name = :name", name="Free\r\n\r\nhttps://evil.test {url} %s {0.__class__}")
    invite(owner)
    (mail,) = site.mails(to=EMAIL)
    assert "“Free https://evil.test {url} %s {0.__class__}”" in mail.body

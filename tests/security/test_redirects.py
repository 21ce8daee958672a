"""RD: redirects, and the shape of the callback."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.rows import EITHER_DATABASE
from tests.support.site import Browser, Site

pytestmark = EITHER_DATABASE


@pytest.mark.row("RD-01", "HD-12", "HD-13")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test"},
        {"Forwarded": "host=evil.test;proto=http"},
        {"X-Forwarded-Proto": "http"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_the_redirect_uri_is_configured(site: Site, browser: Browser, headers: dict[str, str]) -> None:
    fields = {"csrf_token": browser.token(), "target": "accounts"}
    page = browser.post("/connect/stripe/authorize", fields, headers=headers, expect_errors=True)
    if headers.get("Host"):
        assert page.status_int == 400
        assert site.attempts() == []
    else:
        assert "redirect_uri=https%3A%2F%2Fapp.test%2Fconnect%2Fstripe%2Fcallback" in page.text
        assert [a.redirect_uri for a in site.attempts()] == ["https://app.test/connect/stripe/callback"]


@pytest.mark.row("RD-03")
@pytest.mark.parametrize("name", ["next", "return_to", "came_from", "target", "url", "redirect_uri"])
def test_there_is_no_open_redirect(site: Site, name: str) -> None:
    olga = site.person()
    for value in ("//e.test", "/\\e.test", "https://e.test", "javascript:alert(1)", "/%2f%2fe.test", "http:e.test"):
        browser = Browser(site)
        fields = {"csrf_token": browser.token(), "email": olga.email, "password": "correct horse battery", name: value}
        response = browser.post(f"/signin?{name}={value}", fields, status=303)
        assert response.headers["Location"] == "https://app.test/"
    assert len(site.rows("SELECT id FROM session")) == 6


@pytest.mark.row("RD-04")
@pytest.mark.parametrize(
    "path", ["//e.test/x", "/%2e%2e//e.test", "/./..//e.test/", "/accounts/", "/signin/", "/connect//"]
)
def test_paths_stay_on_the_host(site: Site, path: str) -> None:
    before = site.audit()
    response = Browser(site).get(path, expect_errors=True)
    assert response.status_int in {200, 303, 404}
    assert response.headers.get("Location", "https://app.test/").startswith("https://app.test/")
    assert site.audit() == before


@pytest.mark.row("RD-05", "HD-03", "HD-04")
def test_every_answer_to_a_callback_is_a_clean_redirect(site: Site, browser: Browser) -> None:
    urls = [browser.callback_url(), browser.callback_url("deny"), "/connect/stripe/callback?code=x&state=y"]
    urls.append(urls[0])
    for url in urls:
        response = browser.get(url, status=303)
        location = urlsplit(response.headers["Location"])
        assert (location.scheme, location.netloc, location.path) == ("https", "app.test", "/connect/stripe/result")
        assert not {name for name, _ in parse_qsl(location.query)} & {"code", "state"}
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert "ac_" not in response.text
    assert site.sandbox.redemptions() == 1


@pytest.mark.row("RD-06")
def test_after_a_post_comes_a_303(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    for path in (f"/accounts/{account.id}/disconnect", f"/accounts/{account.id}/revoke", "/signout"):
        assert browser.submit(path).status_int == 303
    assert [a.status for a in site.accounts()] == ["disconnected"]


@pytest.mark.row("RD-08")
def test_names_cannot_inject_parameters(site: Site) -> None:
    evil = "Rock & Roll&scope=read_only&redirect_uri=https://e.test#"
    olga = site.person("olga", organizer=evil)
    url = site.browser(olga).leave()
    pairs = parse_qsl(urlsplit(url).query)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    assert dict(pairs)["scope"] == "read_write"
    assert dict(pairs)["stripe_user[business_name]"] == evil
    assert urlsplit(url).fragment == ""
    assert len(site.attempts()) == 1


@pytest.mark.row("RD-09")
def test_the_scope_is_the_configured_one(site: Site, browser: Browser) -> None:
    url = browser.leave(scope="read_only", stripe_user="x")
    assert dict(parse_qsl(urlsplit(url).query))["scope"] == "read_write"
    browser.get(site.sandbox.decide(url).removeprefix("https://app.test"), status=303)
    assert [a.scope for a in site.accounts()] == ["read_write"]


@pytest.mark.row("RD-10")
def test_doubled_parameters_are_refused(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    for extra in (
        "&code=ac_x",
        "&state=x",
        "&iss=a&iss=b",
        "&Code=ac_x",
        "&STATE=x",
        "&code[]=ac_x",
        "&error=a&error=b",
    ):
        page = browser.get(url + extra, status=303).follow(expect_errors=True)
        assert page.status_int == 400
    assert site.sandbox.redemptions() == 0
    assert [a.status for a in site.attempts()] == ["pending"]


@pytest.mark.row("RD-11")
def test_unknown_parameters_are_ignored(site: Site, browser: Browser) -> None:
    url = browser.callback_url() + "&foo=1&session_state=x&foo=2"
    assert "Connected" in browser.get(url, status=303).follow().text
    assert len(site.accounts()) == 1


@pytest.mark.row("RD-12")
def test_only_a_real_get_burns(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    browser.head(url, status=405)
    browser.options(url, status=405)
    browser.post(url, {"csrf_token": browser.token()}, status=405)
    browser.get(url, headers={"Sec-Purpose": "prefetch;prerender"}, status=204)
    assert site.sandbox.redemptions() == 0
    assert "Connected" in browser.get(url, status=303).follow().text


@pytest.mark.row("RD-13")
def test_oversized_parameters_are_refused(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    assert browser.get(f"{url}&x={'x' * 2**20}", expect_errors=True).status_int in {414, 431}
    browser.get(url.replace("code=", f"code={'x' * 5000}"), status=303)
    assert [a.status for a in site.attempts()] == ["pending"]
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("RD-14")
@pytest.mark.parametrize("name", ["unknown", "STRIPE", "stripe%00", "..", "__class__"])
def test_providers_are_an_allowlist(site: Site, browser: Browser, name: str) -> None:
    url = browser.callback_url().replace("/stripe/", f"/{name}/")
    assert browser.get(url, expect_errors=True).status_int == 404
    assert [a.status for a in site.attempts()] == ["pending"]

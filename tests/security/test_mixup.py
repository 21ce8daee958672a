"""MX: several providers, several configurations, two modes; nothing of one is ever taken for another's."""

from dataclasses import replace

import pytest

from tests.security.routes import ROUTES, Cast
from tests.support.rows import EITHER_DATABASE, answer_page, callback, everything, params, statuses
from tests.support.sandbox import Other, path_and_query
from tests.support.site import Browser, Site


@EITHER_DATABASE
@pytest.mark.row("MX-01")
def test_an_evil_provider_gets_no_code_of_an_honest_one(make_two, evil) -> None:
    """It sends the browser on to the honest one, with the state of our attempt with it."""
    site = make_two()
    browser = site.signed_in()
    bounced = site.sandbox.decide(browser.leave("evil"), "bounce")
    assert "/connect.stripe.com/" in bounced
    page = answer_page(browser, path_and_query(site.sandbox.decide(bounced)))
    assert page.status_int in {400, 404}
    assert statuses(site) == [("refused", "other_provider")]
    assert (site.sandbox.redemptions(), evil.redemptions()) == (0, 0)
    assert site.accounts() == []


@EITHER_DATABASE
@pytest.mark.row("MX-01", "MX-06")
def test_a_code_of_an_honest_provider_is_not_taken_to_an_evil_one(make_two, evil) -> None:
    site = make_two()
    browser = site.signed_in()
    url = browser.callback_url().replace("/stripe/", "/evil/")
    page = answer_page(browser, url)
    assert page.status_int in {400, 404}
    assert statuses(site) == [("refused", "other_provider")]
    assert evil.requests() == []
    assert site.sandbox.redemptions() == 0


@pytest.mark.row("MX-01", "RD-01", "ST-14")
def test_two_providers_side_by_side(make_two, evil) -> None:
    """Each has its own redirect URI, byte for byte the same at both endpoints; the verifier goes to the token call."""
    site = make_two()
    browser = site.signed_in()
    url = browser.leave("evil")
    asked = params(url)
    redirect_uri = "https://app.test/connect/evil/callback"
    assert asked["redirect_uri"] == [redirect_uri]
    assert asked["code_challenge_method"] == ["S256"]
    assert "Connected" in answer_page(browser, evil.back(url)).text
    browser.connect()
    (sent,) = evil.requests("/oauth/token")
    form = params("?" + sent["body"])
    assert form["client_secret"] == ["sk_test_evil_canary"]
    assert form["redirect_uri"] == [redirect_uri]
    assert len(form["code_verifier"][0]) >= 43
    assert form["code_verifier"][0] not in url
    assert sorted(account.provider for account in site.accounts()) == ["evil", "stripe"]
    assert "sk_test_platform_canary" not in str(evil.requests())
    others = [one for one in site.sandbox.ledger()["requests"] if one["host"] != evil.host]
    assert len(others) > 3
    assert "sk_test_evil_canary" not in str(others)


ISSUER = "https://iss.example"


def trip(make_two, action: str = "approve") -> tuple[Site, Browser, str]:
    """Up to the answer of the provider that names itself."""
    site = make_two("iss")
    browser = site.signed_in()
    url = Other(site.sandbox, "iss").back(browser.leave("iss"), action)
    assert params(url)["iss"] == [ISSUER]
    return site, browser, url


@EITHER_DATABASE
@pytest.mark.row("MX-03", "ST-14", "TE-13")
def test_who_names_itself_is_believed_for_its_own_answers(make_two) -> None:
    site, browser, url = trip(make_two)
    assert "Connected" in answer_page(browser, url).text
    (account,) = site.accounts()
    assert (account.provider, account.proof) == ("iss", "token")
    iss = Other(site.sandbox, "iss")
    assert [one["status"] for one in iss.requests("/oauth/token")] == [200]
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert site.sandbox.live_grants() == []
    assert [one["status"] for one in iss.requests("/oauth/revoke")] == [200]


@EITHER_DATABASE
@pytest.mark.row("MX-03")
@pytest.mark.parametrize(
    "named",
    [
        None,
        "",
        "https://evil.example",
        f"{ISSUER}/",
        "https://ISS.example",
        f"{ISSUER}:443",
        "http://iss.example",
        f"{ISSUER}?x",
        f" {ISSUER}",
        f"{ISSUER}\0",
    ],
)
@pytest.mark.parametrize("action", ["approve", "deny"])
def test_an_answer_in_another_name_is_refused(make_two, named: str | None, action: str) -> None:
    site, browser, url = trip(make_two, action)
    answer = {name: values[0] for name, values in params(url).items() if name != "iss"}
    page = answer_page(browser, callback(provider="iss", **answer, **({} if named is None else {"iss": named})))
    assert page.status_int == 400
    assert "wrong place" in page.text
    assert statuses(site) == [("refused", "other_provider")]
    assert Other(site.sandbox, "iss").redemptions() == 0


@EITHER_DATABASE
@pytest.mark.row("MX-03", "RD-10")
def test_to_be_named_twice_is_no_answer(make_two) -> None:
    site, browser, url = trip(make_two)
    assert answer_page(browser, f"{url}&iss={ISSUER}").status_int == 400
    assert statuses(site) == [("pending", None)]
    assert Other(site.sandbox, "iss").redemptions() == 0


@pytest.mark.row("MX-04")
def test_a_name_that_was_not_announced_is_not_looked_at(site: Site, browser: Browser) -> None:
    """RFC 9207 section 2.4 leaves that to us: Stripe names nobody, so a name proves nothing."""
    assert "Connected" in answer_page(browser, f"{browser.callback_url()}&iss=https://evil.example").text
    assert site.sandbox.redemptions() == 1


@EITHER_DATABASE
@pytest.mark.row("RD-12")
def test_an_answer_that_is_posted_burns_nothing(make_two) -> None:
    site = make_two("form_post")
    browser, provider = site.signed_in(), Other(site.sandbox, "form_post")
    path, fields = provider.form(browser.leave("form_post"))
    for poster in (browser, Browser(site)):  # SameSite=Lax: a real browser sends no session with it
        page = poster.post(path, fields, headers={"Origin": "https://form-post.example"}, expect_errors=True)
        assert page.status_int in {403, 405}
        assert fields["code"] not in page.text
    assert statuses(site) == [("pending", None)]
    assert provider.redemptions() == 0
    assert "Connected" in answer_page(browser, callback(provider="form_post", **fields)).text
    assert provider.redemptions() == 1


FIELDS = [
    "authorize_url",
    "token_url",
    "token_endpoint",
    "access_token_url",
    "api_url",
    "api_base_url",
    "base_url",
    "account_url",
    "revoke_url",
    "issuer",
    "hosts",
    "provider_config",
    "provider.stripe.token_url",
    "redirect_uri",
]
ELSEWHERE = dict.fromkeys(FIELDS, "https://evil.example/oauth/token") | {
    "client_id": "ca_evil",
    "client_secret": "sk_test_evil_canary",
}


@EITHER_DATABASE
@pytest.mark.row("MX-08")
def test_no_field_of_any_form_moves_a_provider(site: Site) -> None:
    cast = Cast(site)
    tried = [
        cast.ask(cast.browsers[actor], replace(route, fields=(*route.fields, *ELSEWHERE.items()))).status_int
        for actor in ("anonymous", "other", "member", "owner")
        for route in ROUTES
        if route.method == "POST"
    ]
    assert len(tried) > 50
    browser = site.signed_in("quinn")
    assert "Connected" in browser.connect().text
    browser.submit(f"/accounts/{site.accounts()[-1].id}/disconnect", ELSEWHERE, status=303)
    seen = site.sandbox.ledger()["requests"]
    assert {one["host"] for one in seen} == {"connect.stripe.com", "api.stripe.com"}
    assert "evil" not in str(seen)
    assert "evil.example" not in everything(site)


@pytest.mark.row("MX-02")
@pytest.mark.parametrize(
    ("change", "works"),
    [
        ({"provider__stripe__client_id": "ca_other"}, False),
        ({"provider__stripe__scope": "read_only"}, False),
        ({"provider__stripe__client_secret": "rk_test_platform_canary"}, True),
        ({"attempt__minutes": "30"}, True),
    ],
    ids=["client_id", "scope", "secret", "minutes"],
)
def test_an_attempt_is_finished_by_the_configuration_that_began_it(site, browser, change, works) -> None:
    url = browser.callback_url()
    later = site.restarted(**change)
    try:
        again = Browser(later)
        again.cookiejar = browser.cookiejar
        page = answer_page(again, url)
    finally:
        later.close()
    if works:  # the secret may be rolled; whether the provider knows the new one is its affair
        assert site.sandbox.redemptions() == len(site.sandbox.requests("/oauth/token")) == 1
    else:
        assert page.status_int == 400
        assert statuses(site) == [("refused", "configuration_changed")]
        assert site.sandbox.redemptions() == 0


@EITHER_DATABASE
@pytest.mark.row("MX-09")
@pytest.mark.parametrize("livemode", [True, "false", None, 0])
def test_an_answer_of_the_other_mode_is_refused_and_given_back(site, browser, livemode) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="token", json_merge={"livemode": livemode})
    page = answer_page(browser, url)
    assert statuses(site) == [("failed", "other_mode" if livemode is True else "malformed_answer")]
    assert page.status_int == 400
    assert site.accounts() == []
    assert site.sandbox.live_grants() == []


@pytest.mark.row("MX-10")
def test_accounts_are_told_apart_exactly(site, browser) -> None:
    ids = ["acct_1Abc", "acct_1abc", "acct_1ABC", "acct_1Abcd"]
    for account in ids:
        site.sandbox.account(id=account, business_name="Same name", email="same@example.test")
        assert "Connected" in browser.connect(account=account).text
    assert [account.external_id for account in site.accounts()] == ids
    assert len(site.rows("SELECT id FROM provider_account")) == 4
    # The same name and address twice over are no reason to take one account for another.
    assert len({account.provider_account_id for account in site.accounts()}) == 4
    for alike in ("acct_1Abc ", " acct_1Abc", "acct_1\u0410bc", "acct_1Abc\u200b", "ACCT_1Abc", "acct_1Abc\n"):
        url = browser.callback_url(account="acct_1Abc")
        site.sandbox.fault(endpoint="token", json_merge={"stripe_user_id": alike})
        answer_page(browser, url)
        assert statuses(site)[-1] == ("failed", "malformed_answer")
    assert len(site.accounts()) == 4


@pytest.mark.row("MX-10", "MX-09")
def test_the_two_modes_of_one_account_are_two(site, browser) -> None:
    browser.connect(account="acct_1SandboxRiverside1")
    site.change("UPDATE provider_account SET mode = 'live'")
    browser.connect(account="acct_1SandboxRiverside1")
    assert sorted(account.mode for account in site.accounts()) == ["live", "test"]
    assert len(site.rows("SELECT id FROM provider_account")) == 2

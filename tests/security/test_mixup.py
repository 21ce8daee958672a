"""MX: several providers, several configurations, two modes; nothing of one is ever taken for another's."""

import pytest

from tests.support.rows import answer_page, params, statuses
from tests.support.site import Browser


@pytest.mark.row("MX-01")
def test_an_evil_provider_gets_no_code_of_an_honest_one(make_two, evil) -> None:
    """The evil provider bounces the browser to the honest one, with our state and the honest redirect URI."""
    site = make_two()
    browser = site.signed_in()
    value = params(browser.leave("evil"))["state"][0]
    honest = browser.leave()
    bounced = honest.replace(params(honest)["state"][0], value)
    url = site.sandbox.decide(bounced).removeprefix("https://app.test")
    page = answer_page(browser, url)
    assert page.status_int in {400, 404}
    assert statuses(site)[0] == ("refused", "other_provider")
    assert (site.sandbox.redemptions(), evil.redemptions()) == (0, 0)
    assert site.accounts() == []


@pytest.mark.row("MX-01", "MX-06")
def test_a_code_of_an_honest_provider_is_not_taken_to_an_evil_one(make_two, evil) -> None:
    site = make_two()
    browser = site.signed_in()
    url = browser.callback_url().replace("/stripe/", "/evil/")
    page = answer_page(browser, url)
    assert page.status_int in {400, 404}
    assert statuses(site) == [("refused", "other_provider")]
    assert evil.ledger()["requests"] == []
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
    assert "Connected" in answer_page(browser, evil.decide(url).removeprefix("https://app.test")).text
    browser.connect()
    (sent,) = evil.requests("/oauth/token")
    form = params("?" + sent["body"])
    assert form["redirect_uri"] == [redirect_uri]
    assert len(form["code_verifier"][0]) >= 43
    assert form["code_verifier"][0] not in url
    assert sorted(account.provider for account in site.accounts()) == ["evil", "stripe"]
    assert "sk_test_platform_canary" not in str(evil.ledger())
    assert "sk_test_evil_canary" not in str(site.sandbox.ledger())


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

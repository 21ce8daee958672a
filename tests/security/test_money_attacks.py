"""The two ways to other people's ticket money, from end to end, and whom the money would go to afterwards."""

import pytest

from tests.support.rows import answer_page, params, statuses
from tests.support.site import Browser, Site


@pytest.mark.row("ST-04", "ST-06", "ST-08", "CR-05", "MX-01")
def test_payee_hijack(site: Site) -> None:
    """The attacker gets a code for his own account and makes the victim's browser deliver it."""
    attacker, victim = site.signed_in("mallory"), site.signed_in("olga")
    victim.connect(business_name="Olga's own")
    (mine,) = site.accounts()
    bait = attacker.callback_url(business_name="Mallory's pocket")
    code = params(bait)["code"][0]
    own_state = params(victim.leave())["state"][0]
    deliveries = [
        bait,
        f"/connect/stripe/callback?code={code}",
        f"/connect/stripe/callback?code={code}&state=",
        f"/connect/stripe/callback?code={code}&state={'A' * 43}",
        f"/connect/stripe/callback?code={code}&state={params(bait)['state'][0]}&state={own_state}",
    ]
    for url in deliveries:
        assert answer_page(victim, url).status_int in {400, 403}
        assert answer_page(site.browser(), url).status_int in {400, 403}
    assert site.sandbox.redemptions(code) == 0
    assert [account.id for account in site.accounts()] == [mine.id]
    # Once the attacker has used it himself, it is worth nothing in the victim's own attempt either.
    answer_page(attacker, bait)
    page = answer_page(victim, f"/connect/stripe/callback?code={code}&state={own_state}")
    assert "used before" in page.text
    assert site.sandbox.redemptions(code) == 1
    assert "Mallory" not in victim.get("/accounts").text
    assert "Olga's own" in victim.get("/accounts").text.replace("&#39;", "'")


@pytest.mark.row("ST-05", "ST-06", "ST-18")
def test_reverse_link(site: Site) -> None:
    """The attacker makes the victim authorize within the attacker's flow, to hold a grant on the victim's account."""
    attacker, victim = site.signed_in("mallory"), site.signed_in("olga")
    site.sandbox.account(id="acct_1Victim", business_name="Olga's own", email="olga@example.test")
    trap = attacker.leave()  # the link that the victim is made to follow
    back = site.sandbox.decide(trap, account="acct_1Victim").removeprefix("https://app.test")
    for browser in (victim, site.browser()):
        assert answer_page(browser, back).status_int == 403
    assert site.accounts() == []
    assert site.sandbox.redemptions() == 0
    assert site.sandbox.live_grants() == []
    assert statuses(site) == [("pending", None)]
    # Even with the whole address in hand he has it only while nobody else has linked the account.
    victim.connect(account="acct_1Victim")
    page = answer_page(attacker, back)
    assert page.status_int == 409
    (account,) = site.accounts()
    (owner,) = site.rows('SELECT email FROM "user" WHERE id = :id', id=account.linked_by)
    assert owner.email == "olga@example.test"
    assert site.sandbox.requests("/oauth/deauthorize") == []


@pytest.mark.row("ST-04", "AZ-02")
def test_the_leave_page_says_for_whom(site: Site, browser: Browser) -> None:
    page = browser.submit("/connect/stripe/authorize", {"target": "accounts"}, status=200)
    assert "Olga Events" in page.text
    (attempt,) = site.attempts()
    site.signed_in("mallory").get(f"/connect/stripe/result?attempt={attempt.id}", status=404)
    assert site.sandbox.ledger()["requests"] == []

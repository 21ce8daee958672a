"""A test payment: one click proves that money gets to the account, and to no other."""

import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
import stripe

from connectapp.db import utcnow
from tests.support.sandbox import SECRET_KEY
from tests.support.site import Browser, Site

SEEDED = {"gbp": "acct_1SandboxRiverside1", "chf": "acct_1SandboxZurich0003"}


def connected(browser: Browser, country: str = "GB", **fields: str) -> Any:
    browser.connect(business_name=f"In {country}", country=country, **fields)
    return browser.site.accounts()[-1]


def send(browser: Browser, account: Any) -> Any:
    return browser.submit(f"/accounts/{account.id}/test-payment", status=303).follow()


def payments(site: Site) -> list[Any]:
    return site.sandbox.ledger()["payments"]


@pytest.mark.parametrize("pay_with", ["platform", "account"])
def test_each_currency_arrives_in_its_own_account(make_site, pay_with: str) -> None:
    site = make_site(provider__stripe__pay_with=pay_with)
    browser = site.signed_in()
    expected = []
    trips = (("DE", "eur", 100, "€1.00"), ("US", "usd", 100, "$1.00"), ("JP", "jpy", 50, "¥50"))
    for country, currency, amount, shown in trips:
        account = connected(browser, country)
        page = send(browser, account)
        assert "The payment arrived" in page.text
        assert shown in page.text
        expected.append((account.external_id, currency, amount, "succeeded", pay_with))
    made = [(p["account"], p["currency"], p["amount"], p["status"], p["made_by"]) for p in payments(site)]
    assert made == expected
    stored = site.rows("SELECT id, status, external_id FROM payment ORDER BY id")
    assert [(row.id, row.external_id) for row in stored] == [(p["idempotency_key"], p["id"]) for p in payments(site)]
    assert site.audit()[-2:] == ["payment.begun", "payment.succeeded"]


def test_the_account_page_lists_its_payments(site: Site, browser: Browser) -> None:
    account = connected(browser)
    assert "Send a test payment" in browser.get(f"/accounts/{account.id}").text
    send(browser, account)
    page = browser.get(f"/accounts/{account.id}")
    assert "£1.00" in page.text
    assert "The payment arrived" in page.click("£1.00").text


def test_a_lost_answer_is_asked_for_again_and_paid_once(site: Site, browser: Browser) -> None:
    account = connected(browser)
    site.sandbox.fault(endpoint="payment", after=True, status=500, times=1)
    page = send(browser, account)
    assert "We do not know yet" in page.text
    assert [row.status for row in site.rows("SELECT status FROM payment")] == ["pending"]
    check = re.search(r'action="([^"]+/check)"', page.text)[1]
    assert "The payment arrived" in browser.submit(check, status=303).follow().text
    assert len(payments(site)) == 1
    assert len(site.sandbox.requests("/v1/payment_intents")) == 2
    browser.submit(check, status=303)
    assert len(site.sandbox.requests("/v1/payment_intents")) == 2


def test_an_account_that_cannot_charge_says_so(site: Site, browser: Browser) -> None:
    account = connected(browser, account="acct_1SandboxNorthern02")
    page = send(browser, account)
    assert "did not take the payment" in page.text
    assert payments(site) == []
    assert [row.status for row in site.rows("SELECT status FROM payment")] == ["failed"]


def test_a_declined_card_is_an_outcome(site: Site, browser: Browser) -> None:
    account = connected(browser)
    error = {"error": {"type": "card_error", "code": "card_declined", "payment_intent": {"id": "pi_1"}}}
    site.sandbox.fault(
        endpoint="payment", status=402, headers={"Content-Type": "application/json"}, body=str(error).replace("'", '"')
    )
    page = send(browser, account)
    assert "declined" in page.text
    (row,) = site.rows("SELECT status, reason, external_id FROM payment")
    assert tuple(row) == ("failed", "declined", "pi_1")


def test_without_the_accounts_token_its_key_cannot_pay(make_site) -> None:
    site = make_site(provider__stripe__pay_with="account", provider__stripe__store_tokens="false")
    browser = site.signed_in()
    assert "key is not kept" in send(browser, connected(browser)).text
    assert site.sandbox.requests("/v1/payment_intents") == []


def test_only_owners_pay_and_only_into_their_own_accounts(site: Site, browser: Browser) -> None:
    account = connected(browser)
    site.signed_in("mallory").submit(f"/accounts/{account.id}/test-payment", status=404)
    path = send(browser, account).request.path
    site.signed_in("eve").get(path, status=404)
    site.change("UPDATE membership SET role = 'member' WHERE organizer_id = :id", id=account.organizer_id)
    browser.submit(f"/accounts/{account.id}/test-payment", status=403)
    assert "The payment arrived" in browser.get(path).text
    assert len(payments(site)) == 1


@pytest.mark.parametrize("tail", ["nonsense", "0192f0c0-0000-7000-8000-000000000000", "%00", "x/check"])
def test_payments_that_do_not_exist(site: Site, browser: Browser, tail: str) -> None:
    account = connected(browser)
    browser.get(f"/accounts/{account.id}/payments/{tail}", status=404)
    browser.get(f"/accounts/{account.id}/{tail}", status=404)


def test_a_disconnected_account_takes_nothing(site: Site, browser: Browser) -> None:
    account = connected(browser)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    page = browser.submit(f"/accounts/{account.id}/test-payment", status=409)
    assert "not connected" in page.text
    assert site.sandbox.requests("/v1/payment_intents") == []


def test_there_is_a_limit_per_hour(site: Site, browser: Browser) -> None:
    account = connected(browser)
    person = site.rows('SELECT id FROM "user"')[0][0]
    for number in range(20):
        site.change(
            "INSERT INTO payment (id, account_id, organizer_id, amount, currency, status, made_by, created_at) "
            "VALUES (:id, :account, :organizer, 100, 'gbp', 'succeeded', :person, :now)",
            id=f"p{number}",
            account=account.id,
            organizer=account.organizer_id,
            person=person,
            now=utcnow().replace(tzinfo=None) if "sqlite" in str(site.engine.url) else utcnow(),
        )
    browser.submit(f"/accounts/{account.id}/test-payment", status=429)
    assert payments(site) == []


def test_the_sdk_pays_into_the_sandbox_as_we_do(site: Site, browser: Browser) -> None:
    account = connected(browser)
    send(browser, account)
    url = site.sandbox.url
    sdk = stripe.StripeClient(SECRET_KEY, base_addresses={"api": f"{url}/api.stripe.com"}, max_network_retries=0)
    order = {
        "amount": 100,
        "currency": "gbp",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "description": "Test payment",
    }
    options = {"stripe_account": account.external_id, "idempotency_key": "one"}
    made = sdk.v1.payment_intents.create(order, options)
    assert made.status == "succeeded"
    assert sdk.v1.payment_intents.create(order, options).id == made.id
    assert sdk.v1.payment_intents.retrieve(made.id, options={"stripe_account": account.external_id}).amount == 100
    ours, theirs = site.sandbox.requests("/v1/payment_intents")[:2]
    assert sorted(parse_qsl(ours["body"])) == sorted(parse_qsl(theirs["body"]))
    for name in ("Authorization", "Stripe-Account"):
        assert ours["headers"][name] == theirs["headers"][name]
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.create(order | {"amount": 200}, options)
    other = {"stripe_account": account.external_id}
    with pytest.raises(stripe.CardError):
        sdk.v1.payment_intents.create(order | {"payment_method": "pm_card_chargeDeclined"}, other)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create(order | {"amount": 1}, other)
    with pytest.raises(stripe.PermissionError):
        sdk.v1.payment_intents.retrieve(made.id, options={"stripe_account": SEEDED["chf"]})

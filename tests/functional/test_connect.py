"""Connect with Stripe, as organizers live through it."""

import re

import pytest

from tests.support.site import Browser, Site


def test_an_organizer_connects_a_new_account(site: Site, browser: Browser) -> None:
    page = browser.connect(business_name="Riverside Concerts")

    assert "Connected" in page.text
    assert "Riverside Concerts" in page.text
    (account,) = site.accounts()
    assert (account.status, account.scope, account.mode, account.proof) == ("active", "read_write", "test", "token")
    (grant,) = site.sandbox.live_grants()
    assert grant["account"] == account.external_id
    assert site.sandbox.redemptions() == 1
    assert [a.status for a in site.attempts()] == ["linked"]
    assert site.audit()[-2:] == ["attempt.begun", "account.linked"]


def test_the_accounts_page_lists_what_is_connected(browser: Browser) -> None:
    assert "Riverside" not in browser.get("/accounts").text
    browser.connect(business_name="Riverside Concerts")
    page = browser.get("/accounts")
    assert "Riverside Concerts" in page.text
    detail = browser.get(re.search(r'href="(/accounts/[0-9a-f-]{36})"', page.text)[1])
    assert "Connected" in detail.text
    assert "olga@example.test" in detail.text


def test_an_existing_account_is_chosen_at_the_provider(site: Site, browser: Browser) -> None:
    account = site.sandbox.account(business_name="Old Mill", email="mill@example.test", country="DE")
    browser.connect(account=account["id"])
    (linked,) = site.accounts()
    assert (linked.external_id, linked.display_name, linked.country) == (account["id"], "Old Mill", "DE")


def test_the_provider_is_told_what_we_know(site: Site, browser: Browser) -> None:
    browser.leave()
    browser.connect()
    (seen,) = [r for r in site.sandbox.requests("/oauth/authorize") if r["method"] == "GET"]
    assert "stripe_user%5Bemail%5D=olga%40example.test" in seen["query"]
    assert "stripe_user%5Bbusiness_name%5D=Olga+Events" in seen["query"]
    assert "scope=read_write" in seen["query"]


def test_tokens_are_sealed_and_all_of_the_answer_is_kept(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    (grant,) = site.sandbox.live_grants()
    assert account.publishable_key.startswith("pk_test_")
    for field in ("access_token", "refresh_token"):
        assert bytes(getattr(account, field))
        assert grant[field].encode() not in bytes(getattr(account, field))


def test_a_second_account_is_added_beside_the_first(site: Site, browser: Browser) -> None:
    browser.connect(business_name="First")
    browser.connect(business_name="Second")
    assert sorted(a.display_name for a in site.accounts()) == ["First", "Second"]
    assert {a.status for a in site.accounts()} == {"active"}


def test_connecting_the_same_account_again_renews_its_credentials(site: Site, browser: Browser) -> None:
    browser.connect()
    (before,) = site.accounts()
    page = browser.connect(account=before.external_id)
    assert "Connected" in page.text
    (after,) = site.accounts()
    assert (after.id, after.status, after.version) == (before.id, "active", before.version + 1)
    assert bytes(after.access_token) != bytes(before.access_token)
    assert site.audit()[-1] == "account.reconnected"


def test_without_tokens_only_the_account_id_is_kept(make_site, sandbox) -> None:
    site = make_site(provider__stripe__store_tokens="false")
    site.signed_in().connect()
    (account,) = site.accounts()
    assert account.status == "active"
    assert account.access_token is None
    assert account.refresh_token is None


def test_an_answer_without_tokens_is_proven_with_the_platforms_key(site: Site, browser: Browser) -> None:
    site.sandbox.fault(
        endpoint="token", after=True, json_merge={"access_token": None, "refresh_token": None, "token_type": None}
    )
    browser.connect()
    (account,) = site.accounts()
    assert (account.status, account.proof) == ("active", "platform_key")
    (asked,) = site.sandbox.requests("/v1/account")
    assert asked["headers"]["Stripe-Account"] == account.external_id


def test_a_disconnected_account_is_gone_here_and_there(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    page = browser.get(f"/accounts/{account.id}/disconnect")
    assert "Disconnect" in page.text
    detail = browser.submit(f"/accounts/{account.id}/disconnect", status=303).follow()
    assert "Disconnected" in detail.text
    (after,) = site.accounts()
    assert (after.status, after.access_token, after.refresh_token) == ("disconnected", None, None)
    assert site.sandbox.live_grants() == []
    assert len(site.sandbox.requests("/oauth/deauthorize")) == 1
    assert site.audit()[-2:] == ["account.disconnecting", "account.disconnected"]


def test_disconnected_then_connected_again(site: Site, browser: Browser) -> None:
    browser.connect()
    (old,) = site.accounts()
    browser.submit(f"/accounts/{old.id}/disconnect", status=303)
    browser.connect(account=old.external_id)
    assert sorted(a.status for a in site.accounts()) == ["active", "disconnected"]
    assert len(site.sandbox.live_grants()) == 1


def test_a_revocation_that_fails_stays_pending_and_can_be_tried_again(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.fault(endpoint="deauthorize", status=500, times=1)
    page = browser.submit(f"/accounts/{account.id}/disconnect", status=303).follow()
    assert "Try again" in page.text
    assert [a.status for a in site.accounts()] == ["disconnecting"]
    assert len(site.sandbox.live_grants()) == 1

    page = browser.submit(f"/accounts/{account.id}/revoke", status=303).follow()
    assert "Disconnected" in page.text
    assert [a.status for a in site.accounts()] == ["disconnected"]
    assert site.sandbox.live_grants() == []
    assert "account.revoke_failed" in site.audit()


def test_an_account_that_was_cut_at_the_provider_can_be_disconnected(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.http.request(
        "POST",
        f"{site.sandbox.url}/connect.stripe.com/oauth/deauthorize",
        fields={"client_id": "ca_sandbox", "stripe_user_id": account.external_id},
        headers={"Authorization": "Bearer sk_test_platform_canary"},
        encode_multipart=False,
    )
    assert site.sandbox.live_grants() == []
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert [a.status for a in site.accounts()] == ["disconnected"]


def test_a_wrong_client_id_is_not_taken_for_a_revocation(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    other = site.restarted(provider__stripe__client_id="ca_other")
    try:
        again = Browser(other)
        again.cookiejar = browser.cookiejar
        again.submit(f"/accounts/{account.id}/disconnect", status=303)
    finally:
        other.close()
    assert [a.status for a in site.accounts()] == ["disconnecting"]
    assert len(site.sandbox.live_grants()) == 1


def test_disconnecting_twice_revokes_once(site: Site, browser: Browser) -> None:
    browser.connect()
    (account,) = site.accounts()
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert len(site.sandbox.requests("/oauth/deauthorize")) == 1


def test_a_shared_account_is_not_cut_off_for_the_other_organizer(make_site) -> None:
    site = make_site(share_accounts="true")
    olga, piet = site.signed_in("olga"), site.signed_in("piet")
    olga.connect()
    (account,) = site.accounts()
    piet.connect(account=account.external_id)
    assert [a.status for a in site.accounts()] == ["active", "active"]
    olga.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert [a.status for a in site.accounts()] == ["disconnected", "active"]
    assert site.sandbox.requests("/oauth/deauthorize") == []
    assert len(site.sandbox.live_grants()) >= 1


@pytest.mark.parametrize("scope", ["read_write", "read_only"])
def test_the_configured_scope_is_asked_for(make_site, scope: str) -> None:
    site = make_site(provider__stripe__scope=scope)
    site.signed_in().connect()
    (account,) = site.accounts()
    assert account.scope == scope


def test_the_leave_page_waits_where_the_ini_says_so(make_site) -> None:
    site = make_site(leave_page__wait="true")
    page = site.signed_in().submit("/connect/stripe/authorize", {"target": "accounts"}, status=200)
    assert "Refresh" not in page.headers
    assert "Cancel" in page.text
    assert "Olga Events" in page.text


def test_no_database_connection_is_held_while_the_provider_is_asked(site: Site, browser: Browser) -> None:
    import threading

    url = browser.callback_url()
    site.sandbox.fault(endpoint="token", hold="token")
    result = []
    thread = threading.Thread(target=lambda: result.append(browser.get(url, status=303)))
    thread.start()
    try:
        site.sandbox.wait_for_hold("token")
        assert site.registry["connectapp.engine"].pool.checkedout() == 0
        assert [a.status for a in site.attempts()] == ["exchanging"]
    finally:
        site.sandbox.release("token")
        thread.join()
    assert result[0].status_code == 303
    assert [a.status for a in site.attempts()] == ["linked"]

"""RV-01: what is disconnected here is taken back at the provider, however long that takes, and cuts off nobody else."""

import pytest

from connectapp.connect.recovery import recovery_of
from tests.support.site import Browser, Site


@pytest.fixture
def disconnecting(site: Site, browser: Browser) -> str:
    """An account whose revocation the provider did not confirm."""
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.fault(endpoint="deauthorize", status=500, times=None)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    assert [one.status for one in site.accounts()] == ["disconnecting"]
    return str(account.id)


def asked(site: Site) -> int:
    return len(site.sandbox.requests("/oauth/deauthorize"))


def travel(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """The audit record cannot be changed, so the clock of the chase goes forward."""
    from datetime import timedelta

    from connectapp.accounts import lifecycle
    from connectapp.db import utcnow

    monkeypatch.setattr(lifecycle, "utcnow", lambda: utcnow() + timedelta(minutes=minutes))


@pytest.mark.row("RV-01")
def test_it_is_asked_again_at_growing_distances_until_it_is_confirmed(
    site: Site, disconnecting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recovery = recovery_of(site.registry)
    assert asked(site) == 1
    recovery.run()
    assert asked(site) == 1  # not yet: two minutes after the first failure
    travel(monkeypatch, 3)
    recovery.run()
    assert asked(site) == 2
    recovery.run()
    assert asked(site) == 2  # four minutes now
    site.sandbox.clear_faults()
    travel(monkeypatch, 5)
    recovery.run()
    assert asked(site) == 3
    assert [one.status for one in site.accounts()] == ["disconnected"]
    assert site.sandbox.live_grants() == []
    travel(monkeypatch, 500)
    recovery.run()
    assert asked(site) == 3
    assert site.audit().count("account.disconnected") == 1
    assert {row.user_id for row in site.rows("SELECT user_id FROM audit_record")} == {site.accounts()[0].linked_by}


@pytest.mark.row("RV-01")
def test_a_crash_before_the_provider_was_asked(site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.connect()
    (account,) = site.accounts()

    def die(*args: object) -> None:
        raise KeyboardInterrupt  # nothing of ours catches it

    with monkeypatch.context() as patch:
        patch.setattr("connectapp.accounts.lifecycle.Lifecycle.revoke", die)
        with pytest.raises(KeyboardInterrupt):
            browser.submit(f"/accounts/{account.id}/disconnect")
    assert [one.status for one in site.accounts()] == ["disconnecting"]
    recovery = recovery_of(site.registry)
    recovery.run()
    assert asked(site) == 0  # whoever disconnected may still be at it
    travel(monkeypatch, 2)
    recovery.run()
    assert asked(site) == 1
    assert [one.status for one in site.accounts()] == ["disconnected"]


@pytest.mark.row("RV-01")
def test_another_live_link_is_not_cut_off(make_site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site(share_accounts="true")
    browser = site.signed_in()
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.fault(endpoint="deauthorize", status=500)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    site.signed_in("piet").connect(account=account.external_id)
    travel(monkeypatch, 3)
    recovery_of(site.registry).run()
    assert sorted(one.status for one in site.accounts()) == ["active", "disconnected"]
    assert asked(site) == 1
    assert len(site.sandbox.live_grants()) >= 1

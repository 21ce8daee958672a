"""RV-01: what is disconnected here is taken back at the provider, however long that takes, and cuts off nobody else."""

from collections.abc import Callable

import pytest

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


@pytest.mark.row("RV-01")
def test_it_is_asked_again_at_growing_distances_until_it_is_confirmed(site: Site, disconnecting: str) -> None:
    for tries, pause in enumerate((1, 1, 2, 4, 8, 16, 32, 60, 60), start=1):
        assert asked(site) == tries
        site.let_pass(minutes=pause - 0.5)
        site.do_jobs("revoke")
        assert asked(site) == tries  # not yet
        site.let_pass(minutes=0.5)
        site.do_jobs("revoke")
    assert [one.status for one in site.accounts()] == ["disconnecting"]
    (job,) = site.jobs("revoke")
    assert (job.subject, job.tries, job.problem) == (disconnecting, 9, "the provider did not confirm")
    site.sandbox.clear_faults()
    site.let_pass(minutes=60)
    site.do_jobs("revoke")
    assert asked(site) == 11
    assert [one.status for one in site.accounts()] == ["disconnected"]
    assert site.sandbox.live_grants() == []
    assert site.jobs("revoke") == []
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
    site.do_jobs("revoke")
    assert asked(site) == 0  # whoever disconnected may still be at it
    site.let_pass(minutes=1)
    site.do_jobs("revoke")
    assert asked(site) == 1
    assert [one.status for one in site.accounts()] == ["disconnected"]


@pytest.mark.row("RV-01")
def test_another_live_link_is_not_cut_off(make_site: Callable[..., Site]) -> None:
    site = make_site(share_accounts="true")
    browser = site.signed_in()
    browser.connect()
    (account,) = site.accounts()
    site.sandbox.fault(endpoint="deauthorize", status=500)
    browser.submit(f"/accounts/{account.id}/disconnect", status=303)
    site.signed_in("piet").connect(account=account.external_id)
    site.let_pass(minutes=1)
    site.do_jobs("revoke")
    assert sorted(one.status for one in site.accounts()) == ["active", "disconnected"]
    assert asked(site) == 1
    assert len(site.sandbox.live_grants()) >= 1


@pytest.mark.row("RV-01")
def test_who_confirmed_is_not_asked_again(site: Site, browser: Browser) -> None:
    browser.connect()
    browser.submit(f"/accounts/{site.accounts()[0].id}/disconnect", status=303)
    site.let_pass(minutes=1)
    site.do_jobs("revoke")
    assert (asked(site), site.jobs("revoke")) == (1, [])


@pytest.mark.row("RV-01")
def test_an_account_that_was_linked_again_is_left_alone(site: Site, browser: Browser, disconnecting: str) -> None:
    site.sandbox.clear_faults()
    browser.connect(account=site.accounts()[0].external_id)
    site.let_pass(minutes=1)
    site.do_jobs("revoke")
    assert [(one.id, one.status) for one in site.accounts()] == [(disconnecting, "active")]
    assert (asked(site), site.jobs("revoke")) == (1, [])


@pytest.mark.row("RV-01")
@pytest.mark.usefixtures("disconnecting")
def test_a_provider_in_another_mode_is_not_asked(site: Site) -> None:
    site.change("UPDATE provider_account SET mode = 'live'")
    site.let_pass(minutes=1)
    site.do_jobs("revoke")
    assert asked(site) == 1
    assert [job.problem for job in site.jobs("revoke")] == ["stripe is not configured in live mode"]

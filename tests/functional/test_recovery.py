"""After a crash: what the journal holds is finished exactly once."""

from connectapp.connect import records
from connectapp.connect.attempts import AttemptFacts
from connectapp.connect.records import Record
from connectapp.journal import Entry
from connectapp.settings import Settings
from tests.support.rows import ago, set_times
from tests.support.site import Browser, Site


class Killed(BaseException):
    """Stands for kill -9 within one process: nothing of ours runs after it but `finally`."""


def killed_at(monkeypatch, target: str, url: str, browser: Browser) -> None:
    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(target, die)
        try:
            browser.get(url)
        except Killed:
            return
    raise AssertionError(f"{target} was never called")


def test_a_crash_after_the_answer_is_finished_from_the_journal(site: Site, browser: Browser, monkeypatch) -> None:
    url = browser.callback_url()
    killed_at(monkeypatch, "connectapp.connect.settlement.Settlement.settle", url, browser)
    assert [a.status for a in site.attempts()] == ["exchanging"]
    assert site.accounts() == []

    site.recover()

    assert [a.status for a in site.attempts()] == ["linked"]
    assert [a.status for a in site.accounts()] == ["active"]
    assert site.sandbox.redemptions() == 1
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == []
    assert "Connected" in browser.get(url, status=303).follow().text


def test_a_crash_after_the_commit_does_not_link_twice(site: Site, browser: Browser, monkeypatch) -> None:
    url = browser.callback_url()
    killed_at(monkeypatch, "connectapp.journal.Entry.remove", url, browser)
    assert [a.status for a in site.attempts()] == ["linked"]
    assert len(list(site.registry["connectapp.journal"].directory.iterdir())) == 1
    site.recover()
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == []
    assert [(a.status, a.version) for a in site.accounts()] == [("active", 1)]


def test_a_crash_during_the_exchange_is_an_unknown_outcome(site: Site, browser: Browser, monkeypatch) -> None:
    url = browser.callback_url()
    killed_at(monkeypatch, "connectapp.providers.oauth2.OAuth2Provider.grant", url, browser)
    site.recover()
    (attempt,) = site.attempts()
    assert (attempt.status, attempt.reason) == ("outcome_unknown", "interrupted")
    assert "attempt.outcome_unknown" in site.audit()
    page = browser.get(url, status=303).follow()
    assert "interrupted" in page.text
    assert site.sandbox.redemptions() == 1


def test_a_crash_before_the_burn_leaves_the_attempt_usable(site: Site, browser: Browser, monkeypatch) -> None:
    url = browser.callback_url()
    killed_at(monkeypatch, "connectapp.journal.Journal.reserve", url, browser)
    assert [a.status for a in site.attempts()] == ["pending"]
    site.recover()
    assert "Connected" in browser.get(url, status=303).follow().text


def test_an_outage_of_identify_is_tried_again_and_then_linked(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", status=503, times=2)
    page = browser.get(url, status=303).follow()
    assert "being checked" in page.text
    assert page.headers["Refresh"]
    assert site.accounts() == []
    site.recover()
    assert site.accounts() == []
    site.recover()
    assert [a.status for a in site.accounts()] == ["active"]
    assert [a.status for a in site.attempts()] == ["linked"]
    assert site.sandbox.redemptions() == 1


def test_an_account_that_cannot_be_verified_is_given_back(site: Site, browser: Browser, monkeypatch) -> None:
    from datetime import timedelta

    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", status=503, times=2)
    browser.get(url, status=303)
    monkeypatch.setattr("connectapp.connect.settlement.VERIFY_FOR", timedelta(0))
    site.recover()
    (attempt,) = site.attempts()
    assert (attempt.status, attempt.reason) == ("failed", "not_verified")
    assert site.sandbox.live_grants() == []
    assert site.accounts() == []


def test_a_revocation_that_failed_is_chased(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", after=True, json_merge={"id": "acct_1Somebody"})
    site.sandbox.fault(endpoint="deauthorize", status=500, times=1)
    browser.get(url, status=303)
    assert [a.status for a in site.attempts()] == ["refused"]
    assert len(site.sandbox.live_grants()) == 1
    site.recover()
    assert site.sandbox.live_grants() == []
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == []
    assert [(a.status, a.reason) for a in site.attempts()] == [("refused", "identity_mismatch")]


def test_lost_attempts_are_noted_within_two_minutes(site: Site, browser: Browser, monkeypatch) -> None:
    url = browser.callback_url()
    killed_at(monkeypatch, "connectapp.providers.oauth2.OAuth2Provider.redeem", url, browser)
    for path in site.registry["connectapp.journal"].directory.iterdir():
        path.unlink()
    set_times(site, "attempt", changed_at=ago(seconds=50))  # two deadlines and a margin are not over
    site.recover()
    assert [a.status for a in site.attempts()] == ["exchanging"]
    # The latest that a sweep can begin is one pause later, and the worker's look after that.
    late = Settings().recovery_seconds + Settings().worker_seconds
    set_times(site, "attempt", changed_at=ago(seconds=120 - late))
    site.recover()
    assert [a.status for a in site.attempts()] == ["outcome_unknown"]


def test_who_never_came_back_leaves_no_secret(site: Site, browser: Browser) -> None:
    url = browser.callback_url()
    site.change("UPDATE attempt SET verifier = :sealed", sealed=b"of a provider with PKCE")
    site.recover()
    assert [(a.status, a.verifier is None) for a in site.attempts()] == [("pending", False)]
    set_times(site, "attempt", expires_at=ago(seconds=1))
    site.recover()
    site.recover()
    assert [(a.status, a.reason, a.verifier) for a in site.attempts()] == [("refused", "expired", None)]
    assert site.audit().count("attempt.refused") == 1
    assert "took too long" in browser.get(url, status=303).follow(status=400).text
    assert site.sandbox.redemptions() == 0


def test_a_refused_grant_is_taken_back_even_if_the_journal_could_not_say_so(
    site: Site, browser: Browser, monkeypatch
) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", after=True, json_merge={"id": "acct_1Somebody"})
    real = records.write

    def full(entry: Entry, facts: AttemptFacts, record: Record) -> None:
        if record.ending is not None:
            raise OSError(28, "No space left on device")
        real(entry, facts, record)

    with monkeypatch.context() as patch:
        patch.setattr("connectapp.connect.settlement.write", full)
        killed_at(monkeypatch, "connectapp.accounts.lifecycle.Lifecycle.revoke_unused", url, browser)
    assert [a.status for a in site.attempts()] == ["refused"]
    assert len(site.sandbox.live_grants()) == 1
    site.recover()
    assert site.sandbox.live_grants() == []
    assert site.accounts() == []
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == []

"""The journal is looked after by every process: at start, every so often, and past what it cannot finish."""

import threading
from collections.abc import Callable

from connectapp.connect.recovery import recovery_of
from connectapp.worker import get_worker
from tests.functional.test_recovery import killed_at
from tests.support.site import Browser, Site


def journal_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "journal"]


def test_a_restart_finishes_what_was_left(make_site: Callable[..., Site], monkeypatch) -> None:
    site = make_site()
    browser = site.signed_in()
    killed_at(monkeypatch, "connectapp.connect.settlement.Settlement.settle", browser.callback_url(), browser)
    site.sandbox.fault(endpoint="account", hold="verify")

    again = make_site(recovery__seconds="1")
    site.sandbox.wait_for_hold("verify")  # so the thread is at work, and nobody called it
    site.sandbox.release("verify")
    (thread,) = journal_threads()
    get_worker(again.registry).stop(within=30)
    assert not thread.is_alive()
    assert [a.status for a in site.attempts()] == ["linked"]
    assert site.sandbox.redemptions() == 1


def test_a_broken_pass_is_not_the_last(make_site: Callable[..., Site], monkeypatch) -> None:
    passes = []
    second = threading.Event()

    def broken(self: object) -> None:
        passes.append(self)
        if len(passes) > 1:
            second.set()
        raise RuntimeError("broken")

    monkeypatch.setattr("connectapp.connect.recovery.Recovery.finish_journal", broken)
    site = make_site(recovery__seconds="1")
    assert second.wait(30)
    (thread,) = journal_threads()
    get_worker(site.registry).stop(within=30)
    assert not thread.is_alive()


def test_one_unreadable_entry_does_not_hold_up_the_others(site: Site, browser: Browser, monkeypatch, caplog) -> None:
    for _ in range(2):
        killed_at(monkeypatch, "connectapp.connect.settlement.Settlement.settle", browser.callback_url(), browser)
    first, _second = sorted(site.registry["connectapp.journal"].directory.iterdir())
    content = bytearray(first.read_bytes())
    content[60] ^= 1
    first.write_bytes(bytes(content))

    site.recover()

    assert [a.status for a in site.attempts()] == ["exchanging", "linked"]
    assert list(site.registry["connectapp.journal"].directory.iterdir()) == [first]
    assert f"journal entry {first.stem} is not finished" in caplog.text


def test_a_provider_that_is_gone_leaves_its_entries(site: Site, browser: Browser, monkeypatch, caplog) -> None:
    killed_at(monkeypatch, "connectapp.connect.settlement.Settlement.settle", browser.callback_url(), browser)
    recovery = recovery_of(site.registry)
    recovery.providers = {}
    recovery.finish_journal()
    assert "is not configured" in caplog.text
    assert len(list(site.registry["connectapp.journal"].directory.iterdir())) == 1
    site.recover()
    assert [a.status for a in site.attempts()] == ["linked"]

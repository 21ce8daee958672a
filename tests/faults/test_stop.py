"""SIGTERM: nobody new is let in, who is in is answered, and what hangs is left to recovery."""

from pathlib import Path

import pytest

from tests.faults.invariants import check
from tests.support.processes import AppProcess, calling, cookie_header
from tests.support.rows import answer_page, eventually, statuses
from tests.support.site import Browser, Site


def refuses(process: AppProcess) -> bool:
    try:
        process.get("/signin")
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        pass  # it was at the door when that was shut
    return False


@pytest.mark.row("DP-08")
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.0.0.1:0 [::1]:0"])
def test_a_stop_waits_for_the_exchange(site: Site, browser: Browser, tmp_path: Path, listen: str) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="token", hold="here")
    process = AppProcess(site.settings, server={"listen": listen})
    with calling(process, url, cookie_header(browser)) as answers:
        try:
            site.sandbox.wait_for_hold("here")
            process.tell_to_stop()
            eventually(lambda: refuses(process))
            assert statuses(site) == [("exchanging", None)]
        finally:
            site.sandbox.release("here")
        assert process.ended() == 0
    assert answers == [303]
    assert statuses(site) == [("linked", None)]
    assert site.sandbox.redemptions() == 1
    check(site, tmp_path, url)


@pytest.mark.row("DP-08")
def test_a_stop_does_not_wait_for_ever(site: Site, browser: Browser, tmp_path: Path) -> None:
    url = browser.callback_url()
    site.sandbox.fault(endpoint="account", hold="here")
    process = AppProcess(site.settings, server={"grace": "0.2"})
    with calling(process, url, cookie_header(browser)) as answers:
        try:
            site.sandbox.wait_for_hold("here")
            process.tell_to_stop()
            assert process.ended() == 0
        finally:
            site.sandbox.release("here")
    assert answers == [None]
    site.recover()
    assert "Connected" in answer_page(browser, url).text
    assert site.sandbox.redemptions() == 1
    check(site, tmp_path, url)

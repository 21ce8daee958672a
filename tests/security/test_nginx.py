"""HD-11, HD-13, SR-12: the sample of the proxy in front, with a real nginx and a real process behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import app_processes, cookie_header
from tests.support.proxy import Proxy, nginx
from tests.support.rows import SQLITE_ONLY
from tests.support.site import Site

BEHIND = {  # as production.ini has it
    "trusted_proxy": "127.0.0.1",
    "trusted_proxy_headers": "x-forwarded-proto x-forwarded-host x-forwarded-for",
    "clear_untrusted_proxy_headers": "true",
}
# A second request that leaves a trace if it ever reaches the application.
SMUGGLED = b"GET /connect/stripe/callback?code=x&state=" + b"s" * 43 + b" HTTP/1.1\r\nHost: app.test\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + SMUGGLED


@pytest.fixture
def proxy(site: Site, tmp_path: Path) -> Iterator[Proxy]:
    directory = tmp_path / "nginx"
    directory.mkdir()
    directory.chmod(0o755)
    with app_processes(site.settings, server=BEHIND) as (process,), nginx(directory, process.port) as proxy:
        yield proxy


def post(*headers: bytes, body: bytes = CHUNKED) -> bytes:
    lines = [b"POST /signin HTTP/1.1", b"Host: app.test", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


AMBIGUOUS = {
    "both lengths": post(length(CHUNKED), b"Transfer-Encoding: chunked"),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked"),
    "chunked in two headers": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "an unknown coding": post(b"Transfer-Encoding: xchunked"),
    "identity": post(b"Transfer-Encoding: identity", length(b"")),
    "two lengths": post(b"Content-Length: 0", length(SMUGGLED), body=SMUGGLED),
    "one length twice": post(b"Content-Length: 0", b"Content-Length: 0", body=SMUGGLED),
    "a list of lengths": post(b"Content-Length: 0, 0", body=SMUGGLED),
    "a signed length": post(b"Content-Length: +0", body=SMUGGLED),
    "a negative length": post(b"Content-Length: -1", body=SMUGGLED),
    "a bad chunk size": post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + SMUGGLED),
    "a huge chunk": post(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n\r\n" + SMUGGLED),
    "old HTTP with chunks": post(b"Transfer-Encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "two hosts": post(b"Host: evil.test", b"Content-Length: 0", body=SMUGGLED),
}


@SQLITE_ONLY
@pytest.mark.row("HD-11")
def test_ambiguous_requests_are_refused(site: Site, proxy: Proxy) -> None:
    for name, request in AMBIGUOUS.items():
        answer = proxy.raw(request)
        assert answer.split(b" ")[1:2] in ([b"400"], [b"413"], [b"501"]), (name, answer[:200])
        assert answer.count(b"HTTP/1.1 ") == 1, name
        assert site.rows("SELECT id FROM recent_try") == [], name
    # What is not ambiguous is two requests, and leaves the trace.
    assert proxy.raw(post(b"Content-Length: 0", body=SMUGGLED)).count(b"HTTP/1.1 ") == 2
    assert len(site.rows("SELECT id FROM recent_try")) == 1


@SQLITE_ONLY
@pytest.mark.row("HD-13", "RL-02", "SE-01")
def test_what_the_client_claims_is_replaced(site: Site, proxy: Proxy) -> None:
    claims = [
        b"X-Forwarded-For: 203.0.113.9",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: evil.test",
        b"Forwarded: for=a",
    ]
    for number in range(2):
        path = b"/connect/stripe/callback?code=x&state=%043d" % number
        claim = claims[0].replace(b"9", b"%d" % number)
        head = [b"GET " + path + b" HTTP/1.1", b"Host: app.test", claim, *claims[1:], b"Connection: close"]
        answer = proxy.raw(b"\r\n".join(head) + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 303 ")
        assert b"Strict-Transport-Security" in answer
        assert b"Location: https://app.test/connect/stripe/result" in answer
        assert b"Server: nginx\r\n" in answer
    ((count,),) = site.rows("SELECT count(*) FROM recent_try GROUP BY key")
    assert count == 2


@SQLITE_ONLY
@pytest.mark.row("SR-12")
def test_the_access_log_leaves_queries_out(site: Site, proxy: Proxy) -> None:
    browser = site.signed_in()
    url, cookie = browser.callback_url(), cookie_header(browser).encode()
    head = [b"GET " + url.encode() + b" HTTP/1.1", b"Host: app.test", b"Cookie: " + cookie, b"Connection: close"]
    answer = proxy.raw(b"\r\n".join(head) + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 303 ")
    proxy.raw(b"GET /verify?token=canary HTTP/1.1\r\nHost: app.test\r\nReferer: https://app.test/?canary\r\n\r\n")
    assert [attempt.status for attempt in site.attempts()] == ["linked"]
    text = proxy.access_log()
    assert '"GET /connect/stripe/callback" 303' in text
    assert '"GET /verify" 410' in text
    for secret in ("code=", "state=", "canary", cookie.decode()):
        assert secret not in text


@SQLITE_ONLY
@pytest.mark.row("HD-12")
def test_other_hosts_and_large_bodies_stop_in_front(site: Site, proxy: Proxy) -> None:
    other = proxy.raw(b"GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")
    assert other.startswith(b"HTTP/1.1 400 ")
    large = b"x" * 70_000
    assert proxy.raw(post(length(large), body=large)).startswith(b"HTTP/1.1 413 ")

"""What an exchange gives, refuses and tells."""

import gzip
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectapp.oauth.errors import AnswerError
from connectapp.oauth.transport import (
    ConnectFailed,
    ProtocolError,
    RedirectRefused,
    Response,
    ResponseTooLarge,
    Transport,
    TransportError,
    map_url,
)
from tests.unit.oauth.wire import answering, http, ok, raw_server, read_request

URL = "https://provider.test/token?from=query"


def keep_answering(peer: socket.socket) -> None:
    while read_request(peer):
        peer.sendall(ok())


def fail(kind: type[TransportError], answer: bytes, **options: int) -> TransportError:
    with raw_server(answering(answer)) as host:
        transport = http(host, **options)
        with pytest.raises(kind) as caught:
            transport.request("POST", URL, body="code=secret")
        transport.close()
    assert caught.value.sent
    assert "POST provider.test/token" in str(caught.value)
    assert "query" not in str(caught.value)
    assert "secret" not in str(caught.value)
    return caught.value


def test_an_answer_is_given_whatever_its_status() -> None:
    body = '{"error": "Größe"}'.encode()
    head = f"HTTP/1.1 400 Bad\r\nContent-Length: {len(body)}\r\nX-Kind: no\r\n\r\n".encode()
    with raw_server(answering(head, body)) as host:
        transport = http(host)
        response = transport.request("POST", URL, body="a=1")
        transport.close()
    assert (response.status_code, response.reason, response.headers["x-kind"]) == (400, "Bad", "no")
    assert response.json() == {"error": "Größe"}
    assert response.text == '{"error": "Größe"}'
    assert "Größe" not in repr(response)
    with pytest.raises(AnswerError) as caught:
        response.raise_for_status()
    assert caught.value.status == 400


def test_the_request_arrives_as_it_was_given() -> None:
    requests = []

    def handle(peer: socket.socket) -> None:
        requests.append(read_request(peer))
        peer.sendall(ok())

    with raw_server(handle) as host:
        transport = http(host)
        transport.request("POST", URL, headers={"Authorization": "Basic abc"}, body="code=1")
        transport.close()
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /token?from=query HTTP/1.1"
    assert {"Authorization: Basic abc", "Accept-Encoding: identity", "Content-Length: 6"} <= set(lines)
    assert body == b"code=1"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    reached = []
    with raw_server(lambda peer: reached.append(peer.recv(1))) as elsewhere:
        head = f"HTTP/1.1 {status} Go\r\nLocation: http://{elsewhere}/evil\r\nContent-Length: 0\r\n\r\n"
        error = fail(RedirectRefused, head.encode())
    assert not reached
    assert elsewhere not in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfours",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
    ids=[
        *("truncated", "two lengths", "no length", "no chunk size", "cut in a chunk", "no last chunk"),
        *("many headers", "long header", "no status", "not HTTP", "closed"),
    ],
)
def test_a_broken_answer_leaves_the_outcome_unknown(answer: bytes) -> None:
    fail(ProtocolError, answer)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "identity, gzip"])
def test_encoded_answers_are_refused_unread(encoding: str) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    fail(ProtocolError, ok(bomb, f"Content-Encoding: {encoding}"))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_cap_is_refused(chunked: bool) -> None:
    body = b"a" * (2 * 1024 * 1024)
    pieces = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    fail(
        ResponseTooLarge,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces if chunked else ok(body),
    )


def test_a_body_at_the_cap_is_read() -> None:
    with raw_server(answering(ok(b"a" * 5))) as host:
        transport = http(host, max_bytes=5)
        assert transport.request("GET", URL).content == b"aaaaa"
        transport.close()


def test_nothing_was_sent_if_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = http(f"127.0.0.1:{port}")
    with pytest.raises(ConnectFailed, match=r"POST provider\.test/token: Connection refused") as caught:
        transport.request("POST", URL)
    assert not caught.value.sent
    transport.close()


@pytest.mark.parametrize(
    "url",
    [
        *("http://provider.example/", "ftp://provider.example/", "//provider.example/", "/token", ""),
        *("https://user:pass@provider.example/", "https://[broken/", "http://127.0.0.1.evil.example/"),
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    transport = Transport()
    with pytest.raises(ConnectFailed) as caught:
        transport.request("GET", url)
    assert not caught.value.sent
    assert "pass" not in str(caught.value)
    transport.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_plain_http_is_for_this_machine(name: str) -> None:
    with raw_server(answering(ok())) as host:
        transport = Transport()
        assert transport.request("GET", f"http://{name}:{host.partition(':')[2]}/").content == b"fine"
        transport.close()


def test_a_header_that_cannot_be_written_is_in_no_message() -> None:
    with raw_server(answering(ok())) as host:
        transport = http(host)
        for value in ("secret\r\nX: y", "secret\u2026"):
            with pytest.raises(ConnectFailed) as caught:
                transport.request("GET", URL, headers={"Authorization": value})
            assert "secret" not in str(caught.value)
            assert caught.value.__suppress_context__
        transport.close()


def test_our_log_has_neither_query_nor_body(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), raw_server(answering(ok(b"answered"))) as host:
        transport = http(host)
        transport.request("POST", URL, headers={"Authorization": "Bearer key"}, body="code=secret")
        transport.close()
    ours = [record for record in caplog.records if record.name.startswith("connectapp")]
    assert not ours
    assert not any(word in caplog.text for word in ("secret", "answered", "key"))


def test_map_url() -> None:
    hosts = {"connect.stripe.com": "http://127.0.0.1:9", "*": "http://127.0.0.1:8"}
    assert map_url("https://connect.stripe.com/a?b=1#c", hosts) == "http://127.0.0.1:9/a?b=1#c"
    assert map_url("https://CONNECT.stripe.com/a", hosts) == "http://127.0.0.1:9/a"
    assert map_url("https://api.stripe.com/v1/x?y=%2F", hosts) == "http://127.0.0.1:8/api.stripe.com/v1/x?y=%2F"
    assert map_url("https://api.stripe.com", hosts) == "http://127.0.0.1:8/api.stripe.com/"
    assert map_url("https://shop.stores.test/x", {"*.stores.test": "http://h:1"}) == "http://h:1/shop.stores.test/x"
    for other in ("https://stores.test/x", "https://a.b.stores.test/x", "https://stores.test.evil.test/x"):
        assert map_url(other, {"*.stores.test": "http://h:1"}) == other
    assert map_url("https://api.stripe.com/x", {}) == "https://api.stripe.com/x"
    assert map_url("https://a.test/x", {"a.test": "http://h:1/base/"}) == "http://h:1/base/x"


@pytest.mark.parametrize(
    "content",
    [
        *(b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b'\xef\xbb\xbf{"a": 1}'),
        *('{"a": 1}'.encode("utf-16"), b'{"a": "\xff"}', b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000),
        *(b"", b"<html>", b'{"a": 1} x'),
    ],
)
def test_json_is_read_strictly(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not acceptable as JSON$"):
        Response(200, {}, content).json()


def test_one_connection_serves_many_exchanges() -> None:
    connections = []

    def handle(peer: socket.socket) -> None:
        connections.append(peer)
        keep_answering(peer)

    with raw_server(handle) as host:
        transport = http(host)
        for _ in range(20):
            transport.request("POST", URL, body="a=1")
        transport.close()
    assert len(connections) == 1


def test_the_pool_is_bounded() -> None:
    lock = threading.Lock()
    open_now = most = 0

    def handle(peer: socket.socket) -> None:
        nonlocal open_now, most
        with lock:
            open_now += 1
            most = max(most, open_now)
        keep_answering(peer)
        with lock:
            open_now -= 1

    with raw_server(handle) as host, ThreadPoolExecutor(10) as threads:
        transport = http(host, connections=3)
        answers = list(threads.map(lambda _: transport.request("POST", URL, body="a=1").content, range(60)))
        transport.close()
    assert answers == [b"fine"] * 60
    assert 1 <= most <= 3


def test_an_idle_connection_that_the_server_closed_does_not_surface() -> None:
    closed = threading.Event()

    def handle(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(ok())
        peer.shutdown(socket.SHUT_RDWR)
        peer.close()
        closed.set()

    with raw_server(handle) as host:
        transport = http(host)
        for _ in range(5):
            assert transport.request("POST", URL, body="a=1").content == b"fine"
            assert closed.wait(10)
            closed.clear()
        transport.close()


def test_failures_give_their_connection_back() -> None:
    with raw_server(answering(b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")) as host:
        transport = http(host, connections=1, deadline=5)
        for _ in range(5):
            with pytest.raises(RedirectRefused):
                transport.request("GET", URL)
        transport.close()


def test_a_request_is_sent_once_if_the_server_closes_instead_of_answering() -> None:
    requests = []
    with raw_server(lambda peer: requests.append(read_request(peer))) as host:
        transport = http(host)
        with pytest.raises(ProtocolError) as caught:
            transport.request("POST", URL, body="code=1")
        transport.close()
    assert caught.value.sent
    assert len(requests) == 1

"""The one place that makes HTTP calls: verified TLS, one total deadline, a size cap, no redirects, no retries.

A code may be redeemed once only, so nothing here sends a request twice. `TransportError.sent` says whether the server
may have seen it. Nothing is read from the environment: no proxies, no ``.netrc``, no certificate bundles.
"""

import http.client
import ipaddress
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from .deadline import POOLS, Call, Resolver, tls_context
from .errors import AnswerError
from .strictjson import loads

_CHUNK = 65536


class TransportError(Exception):
    """There is no answer that can be used.

    :param sent: False if surely nothing reached the server; True if the request may have: the outcome is unknown.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


class ConnectFailed(TransportError):  # noqa: N818 - reads as what happened
    """Nothing was sent: an address that we refuse, no such name, no connection, no trust in the certificate."""


class DeadlineExceeded(TransportError):  # noqa: N818
    """The time was over. `sent` tells whether that was before the request left."""


class ResponseTooLarge(TransportError):  # noqa: N818
    """The body is larger than the cap."""


class RedirectRefused(TransportError):  # noqa: N818
    """A 3xx answer. Where it points is neither followed nor shown."""


class ProtocolError(TransportError):
    """The connection or the answer broke: closed, truncated, not HTTP, or encoded though that was not asked for."""


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status. Its text may hold secrets, so that `repr` shows none of it.

    :param received_at: in seconds since 1970, by the transport's clock.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    reason: str = ""
    received_at: float = field(default_factory=time.time)

    @property
    def text(self) -> str:
        """The body as UTF-8, with replacement characters where it is none."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as strict JSON.

        :raises ValueError: if it is none (see `strictjson`).
        """
        return loads(self.content)

    def raise_for_status(self) -> None:
        """:raises AnswerError: if the status is 400 or more."""
        if self.status_code >= 400:
            raise AnswerError(self.status_code, "not a success")


class Transport:
    """A pool of connections that all threads of a process share. Make one per process, after any fork.

    :param deadline: seconds for one exchange, from the name's resolution to the last byte of the body.
    :param max_bytes: of the body of an answer.
    :param connections: open at once to one host; further calls wait for their turn, within their deadline.
    :param hosts: for development and tests, see `map_url`.
    :param ca_bundle: path of a PEM file with the certification authorities to trust; default: certifi's.
    :param proxy: address of a forward proxy, ``http://user:password@host:port``. Without it, calls go direct.
    :param clock: tells the time in seconds since 1970; what an answer says of its expiry counts from then.
    """

    def __init__(
        self,
        *,
        deadline: float = 15.0,
        max_bytes: int = 1024 * 1024,
        connections: int = 20,
        hosts: Mapping[str, str] | None = None,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.deadline = deadline
        self.max_bytes = max_bytes
        self.hosts = dict(hosts or {})
        self._resolver = Resolver()
        context = tls_context(ca_bundle or certifi.where())
        options: dict[str, Any] = {
            "num_pools": 100,
            "maxsize": connections,
            "block": True,
            "ssl_context": context,
        }
        self._pools = _proxied(proxy, context, options) if proxy else urllib3.PoolManager(**options)
        self._pools.pool_classes_by_scheme = POOLS

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> Response:
        """Make one exchange.

        :param url: ``https``; plain ``http`` only to this machine, or where `hosts` sends it.
        :raises TransportError: if no answer came, or none that may be used.
        """
        place, target = self._aim(method, url)
        sending = {"Accept-Encoding": "identity", **(headers or {})}
        with Call(self.deadline, self._resolver) as call:
            try:
                answer = self._pools.urlopen(
                    method,
                    target,
                    headers=sending,
                    body=body,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                    timeout=call.remaining(),
                    pool_timeout=call.remaining(),
                )
                return self._receive(place, answer)
            # ValueError: http.client's, for a header that cannot be written; its text has the header's value.
            except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
                raise _failure(place, call, error) from None

    def map_url(self, url: str) -> str:
        """`map_url` with the hosts of this transport; for addresses that a browser is sent to."""
        return map_url(url, self.hosts)

    def close(self) -> None:
        """Close the idle connections and end the resolver's threads."""
        self._pools.clear()
        self._resolver.close()

    def _aim(self, method: str, url: str) -> tuple[str, str]:
        """What messages name (method, host and path, never the query), and where the call really goes.

        :raises ConnectFailed: if that may not be.
        """
        try:
            asked, target = urlsplit(url), urlsplit(map_url(url, self.hosts))
            place = f"{method} {asked.hostname}{asked.path}"
            mapped = target.netloc != asked.netloc
        except ValueError:
            raise ConnectFailed(f"{method}: the address is malformed", sent=False) from None
        plain_allowed = target.scheme == "http" and (mapped or _is_loopback(target.hostname or ""))
        if not target.hostname or "@" in target.netloc or not (target.scheme == "https" or plain_allowed):
            raise ConnectFailed(f"{place}: refused, the address must be https and name no user", sent=False)
        return place, target.geturl()

    def _receive(self, place: str, answer: urllib3.BaseHTTPResponse) -> Response:
        """Read the whole answer, or give up its connection."""
        try:
            _check_head(place, answer)
            content = self._read(place, answer)
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release_conn()
        return Response(answer.status, answer.headers, content, answer.reason or "", self.clock())

    def _read(self, place: str, answer: urllib3.BaseHTTPResponse) -> bytes:
        content = bytearray()
        while chunk := answer.read(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > self.max_bytes:
                raise ResponseTooLarge(f"{place}: more than {self.max_bytes} bytes", sent=True)
        return bytes(content)


def map_url(url: str, hosts: Mapping[str, str]) -> str:
    """The address that stands in for `url` in development and tests; `url` itself if none does.

    :param hosts: host names to the addresses that replace their origin. The key ``*.example`` stands for each host of
        that domain, ``*`` for any other; what they map to gets the original host as the first segment of the path.
    """
    parts = urlsplit(url)
    if (target := hosts.get(parts.hostname or "")) is not None:
        return _moved(parts, target, parts.path)
    domain = (parts.hostname or "").partition(".")[2]
    if (target := hosts.get(f"*.{domain}", hosts.get("*"))) is not None and parts.hostname:
        return _moved(parts, target, f"/{parts.netloc.rpartition('@')[2]}{parts.path or '/'}")
    return url


def _moved(parts: SplitResult, target: str, path: str) -> str:
    to = urlsplit(target)
    return urlunsplit((to.scheme, to.netloc, to.path.rstrip("/") + path, parts.query, parts.fragment))


def _proxied(proxy: str, context: ssl.SSLContext, options: dict[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    login, _, host = parts.netloc.rpartition("@")
    headers = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
    return urllib3.ProxyManager(f"{parts.scheme}://{host}", proxy_headers=headers, proxy_ssl_context=context, **options)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_head(place: str, answer: urllib3.BaseHTTPResponse) -> None:
    if 300 <= answer.status < 400:
        raise RedirectRefused(f"{place}: HTTP {answer.status} is a redirect, refused", sent=True)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProtocolError(f"{place}: an encoded answer was not asked for", sent=True)
    # http.client would read such an answer until the connection ends, and could not see that it was cut off.
    if not re.fullmatch(r"[0-9]+(\s*,\s*[0-9]+)*", answer.headers.get("Content-Length", "0")):
        raise ProtocolError(f"{place}: the length of the answer is no number", sent=True)


def _failure(place: str, call: Call, error: Exception) -> TransportError:
    if call.over:
        return DeadlineExceeded(f"{place}: deadline exceeded", sent=call.sent)
    kind = ProtocolError if call.sent else ConnectFailed
    return kind(f"{place}: {_reason(error)}", sent=call.sent)


def _reason(error: Exception) -> str:
    """The words of the operating system or of OpenSSL, which name no address; else the kind of error alone."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate refused, {cause.verify_message}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        yield from (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__

"""The smallest authorization server that is one: for `test_oauth_alone`. It checks what a real one would."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

Answer = tuple[str, list[tuple[str, str]], bytes]


class QuietHandler(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class AuthorizationServer:
    """One client, `me` with the password `s3cret`; whoever comes to the authorization endpoint approves or denies."""

    url: str = ""
    denies: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    granted: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        text = environ["wsgi.input"].read(length).decode() if length else environ["QUERY_STRING"]
        fields = {name: values[0] for name, values in parse_qs(text, strict_parsing=True).items()}
        endpoint = {("GET", "/authorize"): self.authorize, ("POST", "/token"): self.token}[
            environ["REQUEST_METHOD"], environ["PATH_INFO"]
        ]
        status, headers, body = endpoint(fields, environ.get("HTTP_AUTHORIZATION", ""))
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def authorize(self, asked: dict[str, str], authorization: str) -> Answer:
        """RFC 6749 section 4.1.1, RFC 7636 section 4.3."""
        assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", "me", "pay")
        assert asked["code_challenge_method"] == "S256"
        given = {"state": asked["state"]}
        if self.denies:
            given["error"] = "access_denied"
        else:
            given["code"] = secrets.token_urlsafe()
            self.codes[given["code"]] = asked
        return "302 Found", [("Location", f"{asked['redirect_uri']}?{urlencode(given)}")], b""

    def token(self, asked: dict[str, str], authorization: str) -> Answer:
        """RFC 6749 section 4.1.3, RFC 7636 section 4.6."""
        if authorization != f"Basic {base64.b64encode(b'me:s3cret').decode()}":
            return _json("401 Unauthorized", error="invalid_client")
        issued = self.codes.pop(asked["code"], None)
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if issued is None or issued["redirect_uri"] != asked["redirect_uri"] or issued["code_challenge"] != challenge:
            return _json("400 Bad Request", error="invalid_grant", error_description=f"no code {asked['code']}")
        self.granted.append(asked["code"])
        return _json("200 OK", access_token="at", token_type="bearer", scope="pay", expires_in=60)


def _json(status: str, **values: Any) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(values).encode()


@contextmanager
def running() -> Iterator[AuthorizationServer]:
    """The server on a free port."""
    server = AuthorizationServer()
    with make_server("127.0.0.1", 0, server, handler_class=QuietHandler) as listener:  # type: ignore[arg-type]
        server.url = f"http://127.0.0.1:{listener.server_port}"
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()

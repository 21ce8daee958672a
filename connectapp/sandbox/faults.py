"""Misbehaviour on demand: which answer goes wrong, and how."""

import base64
import binascii
import itertools
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from threading import Lock
from typing import Any

from webob import Response

from connectapp.sandbox.wire import Wire

_NUMBER, _POSITION = (int, float), (int, str)
_TYPES: dict[str, tuple[type, ...]] = {
    "endpoint": (str,),
    "method": (str,),
    "times": (int, type(None)),
    "after": (bool,),
    "hold": (str,),
    "status": (int,),
    "headers": (dict,),
    "body": (str,),
    "body_base64": (str,),
    "repeat": (int,),
    "json_merge": (dict,),
    "redirect": (str,),
    "content_encoding": (str,),
    "delay": _NUMBER,
    "delay_per_byte": _NUMBER,
    "drip_from": _POSITION,
    "close_after": _POSITION,
    "hang": _NUMBER,
    "reset": (bool,),
    "raw": (str,),
}
_WIRE = frozenset(one.name for one in fields(Wire))
# These say what to answer, so without `after` the real work is not done.
_INSTEAD = frozenset({"status", "body", "redirect", "close_after", "hang", "reset", "raw"})
_MAX_PLAIN = 64 * 2**20
_MAX_NUMBER = 2**31
_PIECE = 2**16
_ids = itertools.count(1)


@dataclass
class Fault:
    """One order to misbehave; docs/sandbox.md explains the fields.

    :param left: how many requests it is still for; None: all.
    """

    endpoint: str
    left: int | None
    method: str | None = None
    after: bool = False
    hold: str | None = None
    status: int | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    repeat: int = 1
    json_merge: dict[str, Any] | None = None
    redirect: str | None = None
    content_encoding: str | None = None
    wire: Wire = field(default_factory=Wire)
    hits: int = 0
    id: int = field(default_factory=lambda: next(_ids))

    @classmethod
    def parse(cls, order: Mapping[str, Any], endpoints: Iterable[str]) -> "Fault":
        """Make a fault from its JSON form.

        :raises ValueError: a field is unknown or of the wrong type, or the endpoint does not exist.
        """
        for name, value in order.items():
            if type(value) not in _TYPES.get(name, ()):
                raise ValueError(f"{name}: unknown field, or not the right type")
            if isinstance(value, int | float) and not 0 <= value < _MAX_NUMBER:
                raise ValueError(f"{name}: not a sensible number")
        if order.get("endpoint") not in (known := sorted(set(endpoints))):
            raise ValueError(f"endpoint must be one of {', '.join(known)}")
        given: dict[str, Any] = {name: value for name, value in order.items() if name not in _WIRE}
        if "body" in given:
            given["body"] = given["body"].encode()
        if "body_base64" in given:
            given["body"] = _decode(given.pop("body_base64"))
        fault = cls(left=given.pop("times", 1), wire=_wire(order), **given)
        fault._check()
        return fault

    def _check(self) -> None:
        unknown = set(self._encodings()) - {"gzip", "deflate", "identity"}
        if unknown:
            raise ValueError("content_encoding: only gzip, deflate and identity, separated by commas")
        if len(self.body or b"") * self.repeat > _MAX_PLAIN and not self.content_encoding:
            raise ValueError("body times repeat: at most 64 MiB without a content_encoding")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status: from 200 to 599; raw can send anything")
        if not all(value is None or _is_header(value) for value in self.headers.values()):
            raise ValueError("headers: values are text without line breaks, or null to remove; raw can send anything")

    @property
    def instead(self) -> bool:
        """Whether to answer in place of the real work."""
        if self.after or self.json_merge is not None:
            return False
        changed = {one.name for one in fields(Wire) if getattr(self.wire, one.name) != one.default}
        return bool(_INSTEAD & (changed | {name for name in _INSTEAD if getattr(self, name, None) is not None}))

    def stand_in(self) -> Response:
        """The answer where the real work is not done, before `spoil`."""
        return Response(status=500, content_type="application/json", charset=None)

    def spoil(self, response: Response) -> None:
        """Change an answer as ordered; the wire is the server's part."""
        if self.status is not None:
            response.status = self.status
        if self.redirect is not None:
            response.status = self.status or 302
            response.headers["Location"] = self.redirect
        if self.json_merge is not None and response.content_type == "application/json":
            response.body = json.dumps(merge_patch(json.loads(response.body), self.json_merge)).encode()
        if self.body is not None and not self.content_encoding:
            response.body = self.body * self.repeat
        if self.content_encoding:
            self._encode(response)
        for name, value in self.headers.items():
            response.headers.pop(name, None)
            if value is not None:
                response.headers[name] = value

    def _encodings(self) -> list[str]:
        return [one.strip() for one in (self.content_encoding or "identity").split(",")]

    def _encode(self, response: Response) -> None:
        """Compress piece by piece: a body of many gigabytes never exists here."""
        plain = response.body if self.body is None else self.body
        chunks = _repeated(plain, self.repeat)
        for encoding in self._encodings():
            if encoding != "identity":
                chunks = _compressed(chunks, zlib.MAX_WBITS | (16 if encoding == "gzip" else 0))
        response.body = b"".join(chunks)
        response.headers["Content-Encoding"] = self.content_encoding

    def report(self) -> dict[str, Any]:
        """As JSON values."""
        shown = asdict(self)
        shown["body"] = None if self.body is None else len(self.body)
        shown["wire"]["raw"] = None if self.wire.raw is None else len(self.wire.raw)
        return shown


def _is_header(value: object) -> bool:
    return isinstance(value, str) and not set("\r\n\0") & set(value)


def _wire(order: Mapping[str, Any]) -> Wire:
    given = {name: order[name] for name in _WIRE & order.keys()}
    for name in ("drip_from", "close_after"):
        if isinstance(given.get(name), str) and given[name] != "headers":
            raise ValueError(f"{name}: a number of bytes, or headers")
    if "raw" in given:
        given["raw"] = given["raw"].encode("latin-1", "replace")
    return Wire(**given)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("body_base64: not base64") from None


def _repeated(plain: bytes, times: int) -> Iterable[bytes]:
    """The same bytes so many times, in pieces of a size that compresses fast."""
    together = max(1, _PIECE // max(1, len(plain)))
    whole, rest = divmod(times, together)
    return itertools.chain(itertools.repeat(plain * together, whole), [plain * rest])


def _compressed(chunks: Iterable[bytes], window: int) -> Iterable[bytes]:
    squeeze = zlib.compressobj(level=6, wbits=window)
    for chunk in chunks:
        yield squeeze.compress(chunk)
    yield squeeze.flush()


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396): objects are merged, null removes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


class FaultBook:
    """The orders in force, oldest first. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """From now on."""
        with self._lock:
            self._faults.append(fault)

    def take(self, endpoint: str, method: str) -> Fault | None:
        """The oldest order for this request, counted as used."""
        with self._lock:
            for fault in self._faults:
                if fault.endpoint == endpoint and fault.method in {None, method} and fault.left != 0:
                    fault.hits += 1
                    fault.left = None if fault.left is None else fault.left - 1
                    return fault
        return None

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._faults.clear()

    def report(self) -> list[dict[str, Any]]:
        """All orders, also those that are used up, as JSON values."""
        with self._lock:
            return [fault.report() for fault in self._faults]

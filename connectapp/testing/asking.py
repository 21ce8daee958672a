"""What the questions of the contract share."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from connectapp.providers.templates import fill_url
from connectapp.sandbox.faults import merge_patch
from connectapp.testing.bench import Bench
from connectapp.testing.counterpart import Step

NO_CODE = "no code is redeemed: the API says what came of it"
NO_ADDRESS = "no address is made for the browser: the API gives a link"
NO_LINK = "no link is asked for: the browser goes to a fixed address, and brings a code"
NO_ID = "the answer about an account does not name it"
#: What does not belong into an answer.
ODD = (None, "x" * 9000, {"a": "b"})


def needs(holds: object, reason: str) -> None:
    """Go on if the question makes sense for this provider. If not, the end of the run says the reason."""
    if not holds:
        pytest.skip(reason)


def each(bench: Bench, values: Iterable[Any], ask: Callable[[Any], None]) -> None:
    """Ask the same of each value, each time from the beginning. Every value that fails is named."""
    failed = []
    for value in values:
        bench.clear()
        try:
            ask(value)
        except (AssertionError, pytest.fail.Exception) as error:
            failed.append(f"{value!r:.200}: {error}")
        except Exception as error:
            error.add_note(f"asked with {value!r:.200}")
            raise
    assert not failed, "\n\n".join(failed)


def sent(url: str) -> dict[str, list[str]]:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def without(path: str, *names: str) -> str:
    """The same path without some of its parameters."""
    kept = [pair for pair in urlsplit(path).query.split("&") if pair.partition("=")[0] not in names]
    return f"{urlsplit(path).path}?{'&'.join(kept)}"


def replaced(path: str, params: dict[str, str]) -> str:
    """The same path with other or more parameters."""
    own = {name: values[0] for name, values in sent(path).items()}
    return f"{urlsplit(path).path}?{urlencode(own | params)}"


def redemptions(bench: Bench) -> int:
    """How often the token endpoint was asked."""
    return len(bench.sandbox.asked(fill_url(bench.declaration.token.url, bench.provider.constants)))


def nested(path: str, value: Any) -> Any:
    """An object with a value at a path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def found(answer: Any, path: str) -> Any:
    """The value at a path of an answer."""
    for name in path.split("."):
        answer = answer[int(name) if isinstance(answer, list) else name]
    return answer


def merged(one: dict[str, Any], other: Any) -> dict[str, Any]:
    """Both objects in one."""
    both = dict(one)
    for name, value in other.items():
        both[name] = merged(both[name], value) if isinstance(both.get(name), dict) else value
    return both


def another(value: Any) -> Any:
    """Something else of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def with_id(bench: Bench, value: Any) -> dict[str, Any]:
    """The fault by which an answer about an account has this for the account's id."""
    path = bench.declaration.identify.id[0]
    if not in_list(path):
        return {"after": True, "json_merge": nested(path, value)}
    answer = bench.trip.identity
    (place,) = [place for place, _ in leaves(answer) if ".".join(map(str, place)) == path]
    return {"after": True, "status": 200, "body": json.dumps(merge_patch(answer, patch(answer, place, value)))}


def in_list(path: str) -> bool:
    """Whether a path leads into a list, into which the patch of a fault cannot reach."""
    return any(part.isdecimal() for part in path.split("."))


def declared_hosts(bench: Bench) -> set[str]:
    """Every host that the declaration names, in its mode."""
    declaration = bench.declaration
    parts = [declaration.authorize, declaration.token, declaration.refresh, declaration.identify, declaration.readiness]
    urls = [part.url for part in (*parts, declaration.revoke) if part is not None and not isinstance(part, str)]
    values = {"account": "x", **bench.provider.constants}
    return {urlsplit(fill_url(url, values)).netloc for url in urls if url}


def told_in(headers: dict[str, str]) -> list[str]:
    """The values of headers, that of HTTP Basic as it was before it was encoded."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    told = list(headers.values())
    return [*told, base64.b64decode(value).decode()] if scheme == "Basic" else told


Place = tuple[str | int, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of an answer that has no others in it, and where it is."""
    if isinstance(value, dict | list) and value:
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*place, key))
    else:
        yield place, value


def patch(answer: Any, place: Place, value: Any) -> Any:
    """The patch (RFC 7396) that puts a value into a place of an answer; it replaces lists as a whole."""
    if not place:
        return value
    key, *rest = place
    changed = patch(answer[key], tuple(rest), value)
    if isinstance(answer, list):
        return [merge_patch(one, changed) if number == key else one for number, one in enumerate(answer)]
    return {key: changed}


def odd_answers(bench: Bench, steps: Iterable[Step]) -> list[tuple[Step, Any]]:
    """A patch for each value of each answer, and each odd thing in its place."""
    answers = [(step, bench.sandbox.again(step)) for step in steps]
    places = [(step, answer, place) for step, answer in answers for place, _ in leaves(answer)]
    return [(step, patch(answer, place, odd)) for step, answer, place in places for odd in ODD]

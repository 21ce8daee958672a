"""What comes back from a provider by way of the browser."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from connectapp.errors import RefusedError
from connectapp.providers.interfaces import CallbackNames

LONGEST_CODE = 1024  # characters; the documented codes of providers have fewer than 200


@dataclass(frozen=True)
class Answer:
    """What came back from the provider by way of the browser (RFC 6749 section 4.1.2, RFC 9207).

    :param account: which account that is, where the provider says so here; anybody could have written it.
    :param parameters: everything, in the order of the query.
    """

    state: str
    code: str | None
    error: str | None
    issuer: str | None
    account: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()


def parse_answer(pairs: Iterable[tuple[str, str]], names: CallbackNames) -> Answer:
    """Read the callback's parameters.

    :param pairs: names and values in the order of the query. :param names: what the provider calls them.
    :raises RefusedError: ``malformed_answer``, for parameters that are doubled (RFC 6749 section 3.1), misspelt or
        unusable; ``unknown_state``, if there is no state.
    """
    known = {name.lower(): name for name in (names.state, names.code, names.account, "error", "iss") if name}
    found: dict[str, str] = {}
    parameters = tuple(pairs)
    for name, value in parameters:
        exact = known.get(re.sub(r"\[.*\]$", "", name.strip()).lower())
        if exact is None:
            continue
        if exact != name or exact in found:
            raise RefusedError("malformed_answer")
        found[exact] = value
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", found.get(names.state, "")):
        raise RefusedError("unknown_state")
    # Where there is no code, the state is what is used up and redeemed.
    code = found.get(names.code) or None if names.code else found[names.state]
    account = found.get(names.account or "") or None
    if not all(re.fullmatch(rf"[!-~]{{1,{LONGEST_CODE}}}", value) for value in (code, account) if value is not None):
        raise RefusedError("malformed_answer")
    return Answer(found[names.state], code, found.get("error"), found.get("iss"), account, parameters)

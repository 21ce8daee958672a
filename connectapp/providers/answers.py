"""Reading what a provider answers: every value is checked before it is believed."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from connectapp.errors import (
    GrantRefusedError,
    MalformedAnswerError,
    NotSentError,
    OutcomeUnknownError,
    ProviderError,
)
from connectapp.oauth.answers import at
from connectapp.oauth.transport import Response, TransportError
from connectapp.providers.endpoints import Choices, Identify
from connectapp.providers.interfaces import Identity
from connectapp.providers.parts import Condition
from connectapp.secret import Secret

MOST_CHOICES = 100  # accounts that one access opens


def lost(error: TransportError) -> ProviderError:
    """What a failure of the transport means: surely nothing happened, or nobody knows."""
    return OutcomeUnknownError("no_answer") if error.sent else NotSentError("not_reached")


def unusable(status: int) -> ProviderError:
    """What an answer means that is no token and no documented error."""
    if status >= 500 or status in {408, 409, 425, 429}:
        return OutcomeUnknownError("no_answer")
    return MalformedAnswerError("malformed_answer")


def text(values: Mapping[str, Any], name: str, pattern: str, *, required: bool = True) -> str | None:
    """A text of the provider's that fits the pattern.

    :raises MalformedAnswerError: if it is of another type or form, or missing though required.
    """
    value = values.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise MalformedAnswerError("malformed_answer")
    return value


def identifier(values: Mapping[str, Any], name: str, pattern: str, *, required: bool = True) -> str | None:
    """The id of an account, which some providers send as a number. See `text`."""
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return text({name: value}, name, pattern, required=required)


def first(values: Any, paths: Iterable[str]) -> Any:
    """What is at the first of the paths that leads to something; None if none does."""
    return next((value for path in paths if (value := at(values, path)) is not None), None)


def holds(values: Any, condition: Condition) -> bool:
    """Whether an answer is as the condition says, of the same type."""
    value = at(values, condition.path)
    return type(value) is type(condition.equals) and value == condition.equals


def secret(values: Mapping[str, Any], name: str) -> Secret | None:
    """A token of the provider's: visible ASCII, as RFC 6750 section 2.1 has it; None if it is not there."""
    value = text(values, name, r"[!-~]{1,8192}", required=False)
    return None if value is None else Secret(value)


def moment(answer: Mapping[str, Any]) -> datetime | None:
    """`connectapp.oauth` gives every style of expiry as `expires_at`, in seconds since 1970."""
    seconds = answer.get("expires_at")
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def json_value(response: Response) -> Any:
    """The JSON value of an answer; an empty object for anything else."""
    try:
        return response.json()
    except ValueError:
        return {}


def json_object(response: Response) -> Mapping[str, Any]:
    """The JSON object of an answer; an empty one for anything else."""
    answer = json_value(response)
    return answer if isinstance(answer, dict) else {}


def account_object(response: Response) -> Any:
    """The account of an answer to *whose token is this?*, or a list. An outage is not a no: it is asked again.

    :raises ProviderError: of the fitting kind if there is none.
    """
    if response.status_code == 200:
        return json_value(response)
    if response.status_code in {401, 403, 404}:
        raise GrantRefusedError("identity_refused")
    raise unusable(response.status_code)


def identity_of(account: Any, asking: Identify, external_id: str, proof: Literal["token", "platform_key"]) -> Identity:
    """Who an account is, from the answer about it.

    :raises MalformedAnswerError: if country or currency are none.
    """
    told: dict[str, Any] = dict(asking.defaults.items())
    for name, path in (("country", asking.country), ("currency", asking.currency)):
        value = at(account, path) if path else None
        if value is not None:
            told[name] = value.lower() if name == "currency" and isinstance(value, str) else value
    if "currency" not in told and told.get("country") in asking.currency_of:
        told["currency"] = asking.currency_of[told["country"]]
    return Identity(
        external_id=external_id,
        display_name=_shown(account, asking.name) or external_id,
        proof=proof,
        country=text(told, "country", r"[A-Z]{2}", required=False),
        currency=text(told, "currency", r"[a-z]{3}", required=False),
        charges_enabled=holds(account, asking.charges) if asking.charges else None,
    )


def identities_of(answer: Any, asking: Identify, choices: Choices, pattern: str) -> tuple[Identity, ...]:
    """The accounts of a list, each once.

    :raises MalformedAnswerError: if there is no list, an empty one, or one with an account that is none.
    """
    listed = answer if choices.list == "" else at(answer, choices.list)
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_CHOICES:
        raise MalformedAnswerError("malformed_answer")
    named = asking.model_copy(update={"name": (choices.name,)})
    ids = [str(identifier({"id": at(one, choices.id)}, "id", pattern)) for one in listed]
    found = {
        external_id: identity_of(one, named, external_id, "token") for external_id, one in zip(ids, listed, strict=True)
    }
    return tuple(found.values())


def _shown(account: Any, paths: Iterable[str]) -> str | None:
    """The first name that can be shown."""
    found = (at(account, path) for path in paths)
    names = (name.strip()[:200] for name in found if isinstance(name, str))
    return next((name for name in names if name and name.isprintable()), None)


def link(values: Mapping[str, Any], name: str, domain: str) -> str:
    """An address of the provider's that a browser is sent to: https, in this domain, and fit for a header.

    :raises MalformedAnswerError: if it is none.
    """
    url = str(text(values, name, r"https://[!-~]{1,2000}"))
    host = urlsplit(url).hostname or ""
    if urlsplit(url).netloc != host or not (host == domain or host.endswith(f".{domain}")):
        raise MalformedAnswerError("malformed_answer")
    return url


def bearer(token: Secret) -> dict[str, str]:
    """The header of a request with a token (RFC 6750 section 2.1)."""
    return {"Authorization": f"Bearer {token.reveal()}"}

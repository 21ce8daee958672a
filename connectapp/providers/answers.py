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
from connectapp.oauth.answers import AnswerFormat, at, value_of
from connectapp.oauth.errors import AnswerError
from connectapp.oauth.transport import Response, TransportError
from connectapp.providers.endpoints import Answer, Choices, Identify, Revoke
from connectapp.providers.interfaces import Identity, Mode
from connectapp.providers.parts import Condition
from connectapp.providers.templates import fill
from connectapp.providers.tenants import Tenant
from connectapp.secret import Secret

MOST_CHOICES = 100  # accounts that one access opens

#: RFC 6749 sections 4.1.2.1 and 5.2 in our words; a declaration adds and changes.
REASONS = {
    "access_denied": "access_denied",
    "invalid_client": "platform_refused",
    "invalid_grant": "code_refused",
    "invalid_request": "request_refused",
    "invalid_scope": "scope_refused",
    "unauthorized_client": "platform_refused",
    "unsupported_grant_type": "request_refused",
    "unsupported_response_type": "request_refused",
}


def lost(error: TransportError) -> ProviderError:
    """What a failure of the transport means: surely nothing happened, or nobody knows."""
    return OutcomeUnknownError("no_answer") if error.sent else NotSentError("not_reached")


def unusable(status: int) -> ProviderError:
    """What an answer means that is no token and no documented error."""
    if status >= 500 or status in {408, 409, 425, 429}:
        return OutcomeUnknownError("no_answer")
    return MalformedAnswerError("malformed_answer")


def reason(code: object, own: Mapping[str, str]) -> str:
    """Our word for a provider's error code; whatever is not documented is ``provider_error``.

    :param own: the provider's, which add to the RFC's and change them.
    """
    return (REASONS | dict(own)).get(code, "provider_error") if isinstance(code, str) else "provider_error"


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


def scope_of(answer: Mapping[str, Any], form: Answer, asked: str) -> str:
    """The scope that a token answer grants; what was asked for, where it does not say."""
    granted = text(answer, "scope", r"[ -~]{0,2000}", required=False)
    return asked if granted is None or form.scope is None else granted.replace(form.scope_separator, " ")


def token_type_of(answer: Mapping[str, Any], form: Answer) -> str:
    """RFC 6749 section 7.1: a type that we do not know is not to be used."""
    needed = "access_token" in answer and form.token_type is not None
    token_type = text(answer, "token_type", r"[!-~]{1,40}", required=needed)
    if token_type and token_type.lower() != "bearer":
        raise MalformedAnswerError("malformed_answer")
    return "bearer"


def checked_mode(answer: Any, live: Condition | None, mode: Mode) -> Mode:
    """The mode that we are in, which the answer confirms where it tells.

    :param live: what is so in live mode. :raises GrantRefusedError: ``other_mode``. :raises MalformedAnswerError: if it
        does not tell although it should.
    """
    if live is not None:
        value = at(answer, live.path)
        if type(value) is not type(live.equals):
            raise MalformedAnswerError("malformed_answer")
        if (value == live.equals) != (mode == "live"):
            raise GrantRefusedError("other_mode")
    return mode


def unnamed(account: Any, asking: Identify, external_id: str | None) -> str:
    """The account of an answer that does not name it: the one that was asked for, if the answer is about an account.

    :raises MalformedAnswerError: if nobody named one, or the answer has no name.
    """
    if external_id is None or first(account, asking.name) is None:
        raise MalformedAnswerError("malformed_answer")
    return external_id


def value_told(response: Response) -> Any:
    """The value of an answer (`connectapp.oauth.answers.value_of`); an empty object if it has none."""
    try:
        return value_of(response)
    except AnswerError:
        return {}


def object_told(response: Response) -> Mapping[str, Any]:
    """The object of an answer; an empty one for anything else."""
    answer = value_told(response)
    return answer if isinstance(answer, dict) else {}


def account_object(response: Response) -> Any:
    """The account of an answer to *whose token is this?*, or a list. An outage is not a no: it is asked again.

    :raises ProviderError: of the fitting kind if there is none.
    """
    if response.status_code == 200:
        return value_told(response)
    if response.status_code in {401, 403, 404}:
        raise GrantRefusedError("identity_refused")
    raise unusable(response.status_code)


def not_revoked(response: Response, asking: Revoke, values: Mapping[str, Any], form: AnswerFormat) -> str | None:
    """The provider's error code, if it said no; None where the access is taken back, or was gone already.

    :raises ProviderError: of the fitting kind, if it said nothing clear.
    """
    answer = object_told(response)
    if response.status_code in asking.statuses:
        if asking.success and at(answer, asking.success.path) != fill(asking.success.equals, values):
            raise MalformedAnswerError("malformed_answer")
        return None
    code = form.error_code(answer)
    if code in asking.gone:
        return None
    if code is None or response.status_code >= 500 or response.status_code == 429:
        raise unusable(response.status_code)
    return code


def identity_of(
    account: Any, asking: Identify, external_id: str, proof: Literal["token", "platform_key"], tenant: Tenant
) -> Identity:
    """Who an account is, from the answer about it.

    :param tenant: where it was asked, which the answer confirmed.
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
        tenant=tenant,
    )


def identities_of(
    answer: Any, asking: Identify, choices: Choices, pattern: str, tenant: Tenant
) -> tuple[Identity, ...]:
    """The accounts of a list, each once.

    :raises MalformedAnswerError: if there is no list, an empty one, or one with an account that is none.
    """
    listed = at(answer, choices.list)
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_CHOICES:
        raise MalformedAnswerError("malformed_answer")
    named = asking.model_copy(update={"name": (choices.name,)})
    ids = [str(identifier({"id": at(one, choices.id)}, "id", pattern)) for one in listed]
    found = {
        external_id: identity_of(one, named, external_id, "token", tenant)
        for external_id, one in zip(ids, listed, strict=True)
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

"""Reading what a provider answers: every value is checked before it is believed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectapp.errors import (
    GrantRefusedError,
    MalformedAnswerError,
    NotSentError,
    OutcomeUnknownError,
    ProviderError,
)
from connectapp.oauth.transport import Response, TransportError
from connectapp.secret import Secret


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


def secret(values: Mapping[str, Any], name: str) -> Secret | None:
    """A token of the provider's: visible ASCII, as RFC 6750 section 2.1 has it; None if it is not there."""
    value = text(values, name, r"[!-~]{1,8192}", required=False)
    return None if value is None else Secret(value)


def moment(answer: Mapping[str, Any]) -> datetime | None:
    """`connectapp.oauth` gives every style of expiry as `expires_at`, in seconds since 1970."""
    seconds = answer.get("expires_at")
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def json_object(response: Response) -> Mapping[str, Any]:
    """The JSON object of an answer; an empty one for anything else."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def account_object(response: Response) -> Mapping[str, Any]:
    """The account of an answer to *whose token is this?*. An outage is not a no: it is asked again.

    :raises ProviderError: of the fitting kind if there is none.
    """
    if response.status_code == 200:
        return json_object(response)
    if response.status_code in {401, 403, 404}:
        raise GrantRefusedError("identity_refused")
    raise unusable(response.status_code)


def bearer(token: Secret) -> dict[str, str]:
    """The header of a request with a token (RFC 6750 section 2.1)."""
    return {"Authorization": f"Bearer {token.reveal()}"}

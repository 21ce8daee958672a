"""The parameters of an authorization response, read once and strictly (RFC 6749 section 4.1.2, RFC 9207)."""

from collections.abc import Mapping
from typing import Any

from .errors import MismatchingStateError, OAuthError, safe_code

_ONCE = ("code", "error", "iss")


def state_of(parameters: Any) -> str:
    """The state of a response, which is looked at before anything else.

    :param parameters: a WebOb `MultiDict`. :raises MismatchingStateError: if there is none, or more than one.
    """
    states = parameters.getall("state")
    if len(states) != 1 or not states[0]:
        raise MismatchingStateError
    state: str = states[0]
    return state


def code_of(parameters: Any, issuer: str | None, metadata: Mapping[str, Any]) -> str:
    """The code of a response whose state is right.

    :param issuer: who must have sent it. Without one, ``iss`` is not looked at.
    :raises OAuthError: for a repeated parameter, another issuer, an error (also beside a code), or no code.
    """
    for name in _ONCE:
        if len(parameters.getall(name)) > 1:
            raise OAuthError("repeated_parameter", f"{name} occurs twice")
    _check_issuer(parameters.get("iss"), issuer, metadata)
    if "error" in parameters:
        raise OAuthError(safe_code(parameters["error"]), "the server refused")
    if not parameters.get("code"):
        raise OAuthError("missing_code", "the callback has no code")
    code: str = parameters["code"]
    return code


def _check_issuer(given: str | None, issuer: str | None, metadata: Mapping[str, Any]) -> None:
    """RFC 9207 section 2.4: a plain comparison, and what was announced must be there."""
    announced = metadata.get("authorization_response_iss_parameter_supported", False)
    if issuer is not None and (given is not None or announced) and given != issuer:
        raise OAuthError("mismatching_issuer", "the callback is another server's")

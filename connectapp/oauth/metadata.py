"""Authorization server metadata (RFC 8414, OpenID Connect Discovery), of which only what is listed here is believed."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .errors import OAuthError


def _is_address(value: object) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in {"https", "http"} and bool(parts.hostname)


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


#: What may come from a document, and its form. The registration may say these itself; then the document is not asked.
KEYS: Mapping[str, Callable[[Any], bool]] = {
    "authorization_endpoint": _is_address,
    "token_endpoint": _is_address,
    "revocation_endpoint": _is_address,
    "userinfo_endpoint": _is_address,
    "jwks_uri": _is_address,
    "authorization_response_iss_parameter_supported": lambda value: isinstance(value, bool),
    "code_challenge_methods_supported": _are_words,
    "id_token_signing_alg_values_supported": _are_words,
}

#: Signatures that only the issuer can make. A document could offer ``none`` otherwise, or a shared secret.
_ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def believed(document: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """The part of a metadata document that is used.

    :raises OAuthError: ``invalid_metadata``, if the issuer is not exactly the configured one (RFC 8414 section 3.3) or
        a value is not of its form.
    """
    if document.get("issuer") != issuer:
        raise OAuthError("invalid_metadata", "another issuer")
    found = {name: document[name] for name in KEYS if name in document}
    for name, value in found.items():
        if not KEYS[name](value):
            raise OAuthError("invalid_metadata", f"{name} is malformed")
    return found


def signature_algorithms(metadata: Mapping[str, Any]) -> list[str]:
    """The algorithms that an ID token may be signed with; RS256 if nothing else was said (OpenID Connect Core)."""
    offered = metadata.get("id_token_signing_alg_values_supported", [])
    return [name for name in offered if name in _ASYMMETRIC] or ["RS256"]

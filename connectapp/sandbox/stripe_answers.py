"""Stripe's two error shapes, and who is calling."""

import base64
import binascii
from collections.abc import Mapping

from webob import Request

from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.routing import Refusal, World

SCOPES = ("read_only", "read_write")  # the lesser first


def oauth_error(code: str, description: str, **more: str) -> Refusal:
    """The shape of the OAuth endpoints (RFC 6749 section 5.2): `error` is a string."""
    return Refusal(400, {"error": code, "error_description": description, **more})


def api_error(status: int, message: str, code: str | None = None) -> Refusal:
    """The shape of the API, and of the OAuth endpoints for a bad key: `error` is an object."""
    error = {"type": "invalid_request_error", "message": message}
    return Refusal(status, {"error": error | ({"code": code} if code else {})})


def api_key(request: Request, fields: Mapping[str, str] | None = None) -> str | None:
    """The key that a request carries: Bearer, or user of Basic, or the form field ``client_secret``."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(value).strip()
    if scheme.lower() == "basic":
        return _basic_user(value)
    return (fields or {}).get("client_secret")


def _basic_user(value: str) -> str | None:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def require_platform(world: World, request: Request, fields: Mapping[str, str]) -> Platform:
    """The platform whose secret key the request carries.

    :raises Refusal: 401 without a key, or with one that is unknown.
    """
    key = api_key(request, fields)
    platform = world.platforms.by_key(key)
    if platform is None:
        raise bad_key(key)
    return platform


def bad_key(key: str | None) -> Refusal:
    """The answer to a missing or unknown key; shows no more of the key than Stripe would."""
    if not key:
        return api_error(401, "No API key was sent. Send it as a Bearer token or as the user of HTTP Basic.")
    return api_error(401, f"Invalid API key: {masked(key)}")


def masked(key: str) -> str:
    """The kind of a key, without the key."""
    return key[:8] + "****" if key.startswith(("sk_test_", "sk_live_")) else "****"

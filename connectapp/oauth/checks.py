"""What a registration must not say, checked when it is made: a mistake shows at the start."""

from collections.abc import Mapping
from typing import Any

from .client import PyramidOAuth2Client
from .metadata import KEYS

# Authlib takes any word here, and Requests' as well: a misspelt one would be ignored, and `verify` believed.
_CLIENT_OPTIONS = frozenset(
    {
        *("scope", "code_challenge_method", "token_endpoint_auth_method", "revocation_endpoint_auth_method"),
        *("token_placement", "leeway", "grant_type", *PyramidOAuth2Client.EXTRA_AUTHORIZE_PARAMS),
    }
)
_NEED_SECRET = frozenset(
    {"client_secret_basic", "plain_basic", "client_secret_post", "bearer_secret", "secret_as_user"}
)


def check(app: Any, told: Mapping[str, Any]) -> None:
    """Check a `PyramidOAuth2App`.

    :param told: what Authlib took for metadata. :raises TypeError, ValueError: for options that are unknown or would
        weaken the client.
    """
    options = app.client_kwargs
    unknown = (told.keys() - KEYS - {"jwks"}) | (options.keys() - _CLIENT_OPTIONS)
    if unknown:
        raise TypeError(f"OAuth client {app.name!r} has unknown options: {', '.join(sorted(unknown))}")
    if not app.client_id:
        raise ValueError(f"OAuth client {app.name!r} has no client_id")
    if options.get("token_endpoint_auth_method") in _NEED_SECRET and not app.client_secret:
        raise ValueError(f"OAuth client {app.name!r} has no client_secret")
    if options.get("code_challenge_method") not in {None, "S256"}:
        raise ValueError(f"OAuth client {app.name!r}: the only code_challenge_method is S256")
    if options.get("token_placement", "header") == "uri":
        raise ValueError(f"OAuth client {app.name!r}: a token does not belong into an address")
    if app._server_metadata_url and not app.issuer:
        raise ValueError(f"OAuth client {app.name!r} has a server_metadata_url but no issuer")

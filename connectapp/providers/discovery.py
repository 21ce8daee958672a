"""What an authorization server says of itself (RFC 8414, OpenID Connect Discovery), as lines for the ini.

The admin asks once and looks at what came, instead of the application at each start: metadata that changes later
re-points nobody, and an address on another host is refused unless the admin has named it.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connectapp.errors import ConnectappError
from connectapp.oauth.answers import object_of
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.metadata import believed
from connectapp.oauth.transport import Transport, TransportError

#: The settings of a provider by the ini alone, and what the metadata calls them.
ADDRESSES = {
    "authorize_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "account_url": "userinfo_endpoint",
    "revoke_url": "revocation_endpoint",
}
NEEDED = ("authorize_url", "token_url", "account_url")


def discovered(name: str, issuer: str, transport: Transport, hosts: tuple[str, ...] = ()) -> Iterator[str]:
    """Ask an issuer, and give the lines for the ini.

    :param hosts: where its addresses may be besides the issuer's own host.
    :raises ConnectappError: if it gives no metadata of its own, or an address that cannot be used.
    """
    metadata = _metadata(issuer, transport)
    prefix = f"connectapp.provider.{name}"
    found = {key: metadata[theirs] for key, theirs in ADDRESSES.items() if theirs in metadata}
    for key in NEEDED:
        if key not in found:
            raise ConnectappError(f"{issuer} does not say its {ADDRESSES[key]}: declare {prefix}.{key} yourself")
    for key, url in found.items():
        _check(url, {str(urlsplit(issuer).hostname), *hosts}, f"{prefix}.{key}")
        yield f"{prefix}.{key} = {url}"
    if "userinfo_endpoint" in metadata:
        yield f"{prefix}.account_id = sub"
    if metadata.get("authorization_response_iss_parameter_supported"):
        yield f"{prefix}.issuer = {issuer}"
    pkce = "S256" in metadata.get("code_challenge_methods_supported", [])
    yield f"{prefix}.pkce = {'required' if pkce else 'none'}"


def _metadata(issuer: str, transport: Transport) -> Mapping[str, Any]:
    """The first of the two documents that there is."""
    parts = urlsplit(issuer)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ConnectappError("an issuer is an https:// address without query and fragment (RFC 8414 section 2)")
    origin, path = f"https://{parts.netloc}", parts.path.rstrip("/")
    for url in (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    ):
        try:
            response = transport.request("GET", url, headers={"Accept": "application/json"})
            if response.status_code == 200:
                return believed(object_of(response), issuer)
        except TransportError as error:
            raise ConnectappError(f"{issuer} cannot be asked: {error}") from None
        except (AnswerError, OAuthError) as error:
            raise ConnectappError(f"{url} is not to be believed: {error.description}") from None
    raise ConnectappError(f"{issuer} gives no metadata")


def _check(url: str, hosts: set[str], key: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or "@" in parts.netloc:
        raise ConnectappError(f"{key} would be no plain https:// address")
    if parts.hostname not in hosts:
        raise ConnectappError(
            f"{key} would be on another host, {parts.hostname}: if that is right, say --host {parts.hostname}"
        )

"""HelloAsso, as the text of its own API describes it (the head of HelloAsso/helloasso-php's generated files)."""

import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    VERIFIER,
    Wire,
    authorize,
    grant_of,
    lasts,
    notice,
    pkce,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# The API text for live; for the sandbox its section on the checkout form, and public integrations (Opentalent/ap2i).
AUTH = {"live": "https://auth.helloasso.com", "test": "https://auth.helloasso-sandbox.com"}
API = {"live": "https://api.helloasso.com", "test": "https://api.helloasso-sandbox.com"}
MODES = pytest.mark.parametrize("mode", AUTH)
SLUG = "club-tennis-bordeaux"
# "Access Token Request, Result" and "Refresh Token, Result"; the access token lasts 30 minutes.
REFRESHED = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.c2ln",
    "refresh_token": "another-refresh-token",
    "token_type": "bearer",
    "expires_in": 1800,
}
TOKENS = {**REFRESHED, "organization_slug": SLUG}


@MODES
def test_the_browser_is_sent_with_a_challenge_and_without_a_scope(wire: Wire, mode: str) -> None:
    # "Authorization Request": PKCE is required, S256 the only method. There is neither a scope nor a response_type.
    provider = wire.make_provider("helloasso", mode)
    sent = authorize(provider)
    assert provider.uses_pkce
    assert sent.address == f"{AUTH[mode]}/authorize"
    query = sent.query
    assert query.pop("response_type", "code") == "code"
    assert query == pkce(provider) | {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": STATE}


@MODES
def test_a_code_is_redeemed_with_a_form_and_the_verifier(wire: Wire, mode: str) -> None:
    # "Access Token Request": all of these are required.
    wire.answer(TOKENS)
    redeem(wire.make_provider("helloasso", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API[mode]}/oauth2/token")
    assert asked.form == {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    assert "authorization" not in asked.headers


def test_a_token_answer_names_the_association_by_its_slug(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("helloasso"))
    assert (grant.external_id, tokens(grant)) == (SLUG, (TOKENS["access_token"], TOKENS["refresh_token"]))
    assert lasts(grant) == pytest.approx(1 / 48, abs=0.002)


@MODES
def test_a_refresh_brings_another_token_and_names_no_association(wire: Wire, mode: str) -> None:
    # "Refresh Token": these three fields, no secret among them; the new refresh token is valid for another month.
    wire.answer(REFRESHED)
    grant = refresh(wire.make_provider("helloasso", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API[mode]}/oauth2/token")
    assert asked.form == {"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": REFRESH}
    assert (grant.external_id, tokens(grant)[1]) == (None, "another-refresh-token")


@MODES
def test_the_association_tells_its_name(wire: Wire, mode: str) -> None:
    # HelloAsso/helloasso-php: docs/Api/UtilisateursApi.md (`/users/me/organizations`) and
    # docs/Model/…OrganizationModel.md. `/organizations/{slug}` is public, so that it proves nothing of a token.
    wire.answer(
        [{"name": "Club tennis Bordeaux", "type": "Association1901", "city": "Bordeaux", "organizationSlug": SLUG}]
    )
    provider = wire.make_provider("helloasso", mode)
    identity = provider.identify(grant_of(provider, SLUG))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", f"{API[mode]}/v5/users/me/organizations")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name) == (SLUG, "Club tennis Bordeaux")
    assert (identity.country, identity.currency) in {("FR", "eur"), (None, None), (None, "eur"), ("FR", None)}


@MODES
def test_revoking_is_a_get_with_the_token(wire: Wire, mode: str) -> None:
    # "Disconnect": 200 if it worked.
    wire.answer({})
    revoke(wire.make_provider("helloasso", mode), SLUG)
    asked = wire.only
    assert (asked.method, asked.url, asked.body) == ("GET", f"{API[mode]}/oauth2/disconnect", b"")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"


def test_without_a_token_nothing_can_be_taken_back(wire: Wire) -> None:
    with refused("revocation_impossible"):
        wire.make_provider("helloasso").revoke(SLUG, None)
    assert wire.asked == []


# "Redirect response" and "PKCE" point to RFC 6749; a verifier that does not match is invalid_grant.
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_grant", "code_refused"),
        ("invalid_client", "platform_refused"),
        ("invalid_request", "request_refused"),
        ("unauthorized_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "in prose"}, 400)
    with refused(reason):
        redeem(wire.make_provider("helloasso"))


def test_an_association_that_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("helloasso").denied


# "Organization Result (JSON)": the association was renamed. Nothing tells that it left.
RENAMED = {
    "data": {"old_slug_organization": "ctb", "new_slug_organization": SLUG},
    "eventType": "Organization",
}
BODY = json.dumps(RENAMED).encode()
SECRET = "helloasso-signature-key-0123456789"


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """For partners, as several public integrations check it: hexadecimal, of the raw body."""
    return {"x-ha-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


@pytest.mark.parametrize("kind", ["Organization", "Order", "Payment", "Form"])
def test_no_message_is_a_disconnection(wire: Wire, kind: str) -> None:
    body = json.dumps({**RENAMED, "eventType": kind}).encode()
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("helloasso", webhook_secrets=[SECRET]), body, signed(body))
        assert (found.type, found.proven, found.disconnected) == (kind, True, False)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(BODY + b" ", signed(BODY)), (BODY, signed(BODY, "another-signature-key-0123456789")), (BODY, {})],
)
def test_a_message_with_another_signature_is_refused(wire: Wire, body: bytes, headers: dict[str, Any]) -> None:
    with refused("webhook_refused"):
        notice(wire.make_provider("helloasso", webhook_secrets=[SECRET]), body, headers)

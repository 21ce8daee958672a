"""Patreon, as its platform documentation describes it (Patreon/platform-documentation, source/includes/)."""

import hashlib
import hmac
import json

import pytest

from connectapp.errors import GrantRefusedError
from connectapp.providers.interfaces import Notice
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
    grant_of,
    lasts,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

SITE = "https://www.patreon.com"  # _endpoints_v2.md: all requests should use this host; there is no test side
MODES = pytest.mark.parametrize("mode", ["live", "test"])
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
USER, CAMPAIGN = "32187", "1234560"
# _oauth_v2.md: all scopes there are. None of them writes anything but webhooks.
SCOPES = {
    "identity",
    "identity[email]",
    "identity.memberships",
    "campaigns",
    "w:campaigns.webhook",
    "campaigns.members",
    "campaigns.members[email]",
    "campaigns.members.address",
    "campaigns.posts",
}
# _oauth.md, step 4; the lifetime stands in no document, a month is what integrations see.
TOKENS = {
    "access_token": "single-use-access",
    "refresh_token": "single-use-refresh",
    "expires_in": 2678400,
    "scope": "identity campaigns",
    "token_type": "Bearer",
}
# _endpoints_v2.md: GET /api/oauth2/v2/identity, its sample answer.
IDENTITY = {
    "data": {
        "attributes": {"email": "some_email@email.com", "full_name": "Platform Team", "vanity": "platform"},
        "id": USER,
        "relationships": {
            "campaign": {
                "data": {"id": CAMPAIGN, "type": "campaign"},
                "links": {"related": f"{SITE}/api/oauth2/v2/campaigns/{CAMPAIGN}"},
            }
        },
        "type": "user",
    },
    "included": [{"attributes": {"is_monthly": True, "summary": "Hi There"}, "id": CAMPAIGN, "type": "campaign"}],
    "links": {"self": f"{SITE}/api/oauth2/v2/user/{USER}"},
}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # _oauth.md, step 2. No document knows PKCE.
    provider = wire.make_provider("patreon", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"{SITE}/oauth2/authorize"
    assert not provider.uses_pkce
    assert query.pop("scope")
    assert query == {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "response_type": "code", "state": STATE}


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    words = authorize(wire.make_provider("patreon")).query["scope"].split(" ")
    assert "identity" in words
    assert set(words) <= SCOPES


@MODES
def test_a_code_is_redeemed_with_the_secret_in_the_form(wire: Wire, mode: str) -> None:
    # _oauth.md, step 4.
    wire.answer(TOKENS)
    redeem(wire.make_provider("patreon", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITE}/api/oauth2/token")
    assert asked.form == CREDENTIALS | {"grant_type": "authorization_code", "code": CODE, "redirect_uri": REDIRECT_URI}
    assert "authorization" not in asked.headers


def test_a_token_answer_is_read(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("patreon"))
    assert tokens(grant) == ("single-use-access", "single-use-refresh")
    assert (grant.external_id, grant.scope) == (None, "identity campaigns")
    assert lasts(grant) == pytest.approx(31, abs=0.002)


@MODES
def test_a_refresh_brings_another_pair(wire: Wire, mode: str) -> None:
    # _oauth.md, step 7: without redirect_uri; both tokens are good once.
    wire.answer(TOKENS)
    grant = refresh(wire.make_provider("patreon", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITE}/api/oauth2/token")
    assert asked.form == CREDENTIALS | {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert "authorization" not in asked.headers
    assert tokens(grant) == ("single-use-access", "single-use-refresh")


@MODES
def test_the_token_tells_whose_it_is_and_fields_must_be_asked_for(wire: Wire, mode: str) -> None:
    # _endpoints_v2.md: no property comes that is not asked for.
    wire.answer(IDENTITY)
    provider = wire.make_provider("patreon", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.address) == ("GET", f"{SITE}/api/oauth2/v2/identity")
    assert "full_name" in asked.query["fields[user]"].split(",")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert identity.external_id == (CAMPAIGN if "campaign" in asked.query.get("include", "") else USER)
    assert (identity.display_name, identity.proof) == ("Platform Team", "token")
    assert (identity.country, identity.currency) == (None, None)


def test_a_token_that_is_not_good_any_more_is_refused(wire: Wire) -> None:
    # _errors.md: 401, "invalid OAuth token"; the body is as JSON:API has it.
    wire.answer({"errors": [{"code": 1, "code_name": "Unauthorized", "status": "401"}]}, 401)
    provider = wire.make_provider("patreon")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


def test_taking_the_access_back_is_in_no_document(wire: Wire) -> None:
    # social-core and others send an RFC 7009 request, to three different addresses. Whoever does so must say that it is
    # not verified.
    provider = wire.make_provider("patreon")
    wire.answer({})
    if not provider.revocable:
        with refused("revocation_impossible"):
            revoke(provider, USER)
        assert wire.asked == []
        return
    revoke(provider, USER)
    assert wire.only.url in {
        f"{SITE}/oauth2/revoke",
        f"{SITE}/api/oauth2/revoke",
        "https://api.patreon.com/oauth2/revoke",
    }
    assert wire.only.form["token"] in {ACCESS, REFRESH}
    assert "revoke.url" in provider.declaration.unverified


# RFC 6749 section 5.2.
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("invalid_grant", "code_refused"),
        ("invalid_client", "platform_refused"),
        ("invalid_request", "request_refused"),
    ],
)
def test_errors_have_reasons(wire: Wire, code: str, reason: str) -> None:
    wire.answer({"error": code}, 400 if code != "invalid_client" else 401)
    with refused(reason):
        redeem(wire.make_provider("patreon"))


def test_a_creator_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("patreon").denied


SECRET = "hereisaverycomplexsecret"  # _webhooks_v2.md, its sample
BODY = json.dumps({"data": {"type": "member", "id": "1", "attributes": {"patron_status": "active_patron"}}}).encode()


def message(trigger: str, secret: str = SECRET) -> dict[str, str]:
    """The headers of a message: hexadecimal HMAC of the body, with MD5 (_webhooks.md)."""
    made = hmac.new(secret.encode(), BODY, hashlib.md5).hexdigest()
    return {"X-Patreon-Event": trigger, "X-Patreon-Signature": made}


def told(wire: Wire, headers: dict[str, str]) -> Notice | None:
    """What a message says; None if messages are not taken."""
    try:
        return notice(wire.make_provider("patreon", webhook_secrets=[SECRET]), BODY, headers)
    except GrantRefusedError:
        return None


# _webhooks_v2.md: the triggers are of members and posts.
@pytest.mark.parametrize("trigger", ["members:create", "members:delete", "members:pledge:delete", "posts:publish"])
def test_no_message_is_a_disconnection(wire: Wire, trigger: str) -> None:
    found = told(wire, message(trigger))
    assert found is None or (found.type, found.disconnected) == (trigger, False)


@pytest.mark.parametrize("headers", [message("members:delete", "another-secret-0123456789"), {}])
def test_a_forged_message_proves_nothing(wire: Wire, headers: dict[str, str]) -> None:
    found = told(wire, headers)
    assert found is None or not (found.proven or found.disconnected)

"""Open Collective, as its documentation and its own server describe it.

opencollective/documentation `development/oauth.md`; opencollective/opencollective-api `server/lib/oauth/index.ts`,
`server/lib/oauth/model.ts`, `test/server/routes/oauth.test.ts`, `server/graphql/schemaV2.graphql`.
"""

from typing import Any

import pytest

from connectapp.errors import ProviderError
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
    pkce,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# oauth.md; for tests, opencollective/documentation `fiscal-hosts/setting-up-a-fiscal-host/README.md`, and
# opencollective-api `config/staging.json`, which has the same addresses below another name.
SITES = {"live": "https://opencollective.com", "test": "https://staging.opencollective.com"}
MODES = pytest.mark.parametrize("mode", SITES)
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
# oauth.md, "Available scopes"; server/constants/oauth-scopes.ts has more.
SCOPES = {
    "email",
    "incognito",
    "account",
    "expenses",
    "orders",
    "transactions",
    "virtualCards",
    "updates",
    "conversations",
    "webhooks",
    "host",
}
# oauth.md; since then the server sends a scope and a refresh token as well, which is good for a year (oauth.test.ts).
DOCUMENTED = {"access_token": "xxxxxxxxxxxxxxxx", "token_type": "bearer", "expires_in": 7776000}
SENT = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzY29wZSI6Im9hdXRoIn0.c2ln",
    "token_type": "Bearer",
    "expires_in": 7776000,
    "refresh_token": "oauth_refresh__6c2f",
    "scope": "email account",
}
# schemaV2.graphql: `me` and `loggedInAccount` are an Individual.
ME = {"id": "v7pbo6rd-zxlak8e6-vjny4g9q-0m5wjken", "legacyId": 4711, "slug": "jane", "name": "Jane Doe"}
ANSWER = {"data": {"me": {**ME, "email": "jane@example.com"}, "loggedInAccount": {**ME, "email": "jane@example.com"}}}


@MODES
def test_the_browser_is_sent_with_a_challenge(wire: Wire, mode: str) -> None:
    # oauth.md, step 1: PKCE is recommended, S256 its only method.
    provider = wire.make_provider("opencollective", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == f"{SITES[mode]}/oauth/authorize"
    assert provider.uses_pkce
    query.pop("scope", None)
    assert query == pkce(provider) | {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # oauth.md, step 1: commas are legacy. Without any scope a token can but read what is public.
    words = authorize(wire.make_provider("opencollective")).query.get("scope", "").split(" ")
    assert set(words) - {""} <= SCOPES


@MODES
def test_a_code_is_redeemed_with_the_secret_in_the_form(wire: Wire, mode: str) -> None:
    # oauth.md, step 2; oauth.test.ts has the media type.
    wire.answer(SENT)
    redeem(wire.make_provider("opencollective", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITES[mode]}/oauth/token")
    assert asked.form == CREDENTIALS | {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("answer", [DOCUMENTED, SENT])
def test_a_token_answer_is_read_as_documented_and_as_it_is_sent(wire: Wire, answer: dict[str, Any]) -> None:
    wire.answer(answer)
    grant = redeem(wire.make_provider("opencollective"))
    assert tokens(grant)[0] == answer["access_token"]
    assert (grant.external_id, grant.token_type) == (None, "bearer")
    assert lasts(grant) == pytest.approx(90, abs=0.002)


@MODES
def test_a_refresh_brings_another_pair(wire: Wire, mode: str) -> None:
    # oauth.test.ts, "refresh token"; model.ts: saveToken ends the pair before. oauth.md does not know of it yet.
    wire.answer(SENT)
    grant = refresh(wire.make_provider("opencollective", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITES[mode]}/oauth/token")
    assert asked.form == CREDENTIALS | {"grant_type": "refresh_token", "refresh_token": REFRESH}
    assert tokens(grant) == (SENT["access_token"], SENT["refresh_token"])


@MODES
def test_the_token_tells_whose_it_is_in_graphql(wire: Wire, mode: str) -> None:
    # oauth.md, step 3: curl sends POST, with JSON and the token in its header.
    wire.answer(ANSWER)
    provider = wire.make_provider("opencollective", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{SITES[mode]}/api/graphql/v2")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    query = asked.json["query"]
    assert "me" in query.replace("{", " ").split() or "loggedInAccount" in query
    assert (identity.external_id, identity.display_name) in {(ME["id"], "Jane Doe"), (ME["slug"], "Jane Doe")}
    assert identity.proof == "token"


# GraphQL over HTTP says with 200 what is wrong; `me` is null without a token that is good (schemaV2.graphql).
@pytest.mark.parametrize(
    "answer", [{"data": {"me": None, "loggedInAccount": None}}, {"errors": [{"message": "in prose"}], "data": None}]
)
def test_an_answer_without_an_account_is_none(wire: Wire, answer: dict[str, Any]) -> None:
    wire.answer(answer)
    provider = wire.make_provider("opencollective")
    with pytest.raises(ProviderError):
        provider.identify(grant_of(provider, None))


def test_only_the_person_can_take_the_access_back(wire: Wire) -> None:
    # server/graphql/v2/mutation/OAuthAuthorizationMutations.js: revokeOAuthAuthorization refuses OAuth tokens, and
    # server/routes.ts has no other way.
    provider = wire.make_provider("opencollective")
    with refused("revocation_impossible"):
        revoke(provider, ME["id"])
    assert wire.asked == []


# oauth.test.ts, "token": all of them with status 400.
@pytest.mark.parametrize(
    ("code", "prose", "reason"),
    [
        ("invalid_grant", "Invalid authorization code", "code_refused"),
        ("invalid_grant", "Invalid grant: authorization code has expired", "code_refused"),
        ("invalid_client", "Invalid client credentials", "platform_refused"),
        ("invalid_request", "Invalid request: `redirect_uri` is invalid", "request_refused"),
        ("invalid_request", "Invalid parameter: `code_verifier`", "request_refused"),
        ("unsupported_grant_type", "Unsupported grant type: `grant_type` is invalid", "request_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, code: str, prose: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": prose}, 400)
    with refused(reason):
        redeem(wire.make_provider("opencollective"))


def test_a_person_who_says_no_is_known(wire: Wire) -> None:
    # oauth.test.ts: "correctly handles denial of the authorization request".
    assert "access_denied" in wire.make_provider("opencollective").denied

"""Gumroad, as its published source and its reference describe it."""

from contextlib import suppress
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError
from tests.providers.golden import (
    ACCESS,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    FORM,
    REDIRECT_URI,
    REFRESH,
    STATE,
    Wire,
    authorize,
    grant_of,
    notice,
    redeem,
    refresh,
    refused,
    revoke,
    tokens,
)

# antiwork/gumroad: config/routes.rb has Doorkeeper's routes on every host; gumroad/omniauth-gumroad names gumroad.com
# for all, NangoHQ/nango api.gumroad.com for the token.
HOSTS = ("https://gumroad.com", "https://api.gumroad.com")
MODES = pytest.mark.parametrize("mode", ["live", "test"])  # one host: there is no test side
USER = "G_-mnBf9b1j9A7a4ub4nFQ=="
# doorkeeper-gem/doorkeeper 5.7: lib/doorkeeper/oauth/token_response.rb, without what is nil; antiwork/gumroad:
# config/initializers/doorkeeper.rb has access_token_expires_in nil and use_refresh_token.
TOKENS = {
    "access_token": "z2oJ-0vXTgVxXmLhP1ZsM2qT9cNk3uYw",
    "token_type": "Bearer",
    "refresh_token": "kX3v9pQ2-rTnB8sLwY6uHcJd0aMfZeGi",
    "scope": "view_profile view_sales",
    "created_at": 1_790_000_000,
}
# antiwork/gumroad: config/initializers/doorkeeper.rb, public_scopes and default_scopes
SCOPES = {"view_public", "view_profile", "edit_products", "view_sales", "mark_sales_as_shipped", "refund_sales"}
WRITING = {"edit_products", "mark_sales_as_shipped", "refund_sales"}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    # No PKCE: db/schema.rb has no code_challenge in oauth_access_grants, so that Doorkeeper takes no notice of it.
    provider = wire.make_provider("gumroad", mode)
    sent = authorize(provider)
    query = sent.query
    assert sent.address == "https://gumroad.com/oauth/authorize"
    assert set(query.pop("scope").split(" ")) <= SCOPES
    assert query == {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": STATE,
    }


def test_reading_asks_for_no_right_to_write(wire: Wire) -> None:
    # gumroad.com/api, Scopes
    words = set(authorize(wire.make_provider("gumroad", scope="read_only")).query["scope"].split(" "))
    assert words & {"view_profile", "view_sales", "view_public"}
    assert words & WRITING == set()


@MODES
def test_a_code_is_redeemed_with_a_form_and_the_secret_in_it(wire: Wire, mode: str) -> None:
    # mintlify.com/antiwork/gumroad/api/authentication, step 3
    wire.answer(TOKENS)
    redeem(wire.make_provider("gumroad", mode))
    asked = wire.only
    assert (asked.method, asked.media_type) == ("POST", FORM)
    assert asked.url in {f"{host}/oauth/token" for host in HOSTS}
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": REDIRECT_URI,
    }
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("never", [{}, {"expires_in": None}])
def test_an_access_token_does_not_expire(wire: Wire, never: dict[str, Any]) -> None:
    # help.gumroad.com/article/280-create-application-api: not until it is revoked, though a refresh token comes too.
    wire.answer(TOKENS | never)
    grant = redeem(wire.make_provider("gumroad"))
    assert (grant.external_id, grant.scope, grant.expires_at) == (None, TOKENS["scope"], None)
    assert grant.access_token is not None
    assert grant.access_token.reveal() == TOKENS["access_token"]


def test_a_refresh_brings_another_pair_if_there_is_one(wire: Wire) -> None:
    # Doorkeeper's refresh: the same endpoint and authentication, and always another refresh token. Tokens that do not
    # expire need none.
    provider = wire.make_provider("gumroad")
    if provider.declaration.refresh.rule == "never":
        with refused("refresh_impossible"):
            refresh(provider)
        assert wire.asked == []
        return
    wire.answer(TOKENS)
    grant = refresh(provider)
    assert wire.only.url in {f"{host}/oauth/token" for host in HOSTS}
    assert wire.only.form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])


@MODES
def test_the_token_tells_whose_it_is(wire: Wire, mode: str) -> None:
    # antiwork/gumroad: app/views/public/api/response/_user.html.erb, curl/_get_user.html.erb; `id` besides is from
    # app/models/concerns/user/as_json.rb.
    user = {"bio": "a sailor, a tailor", "name": "John Smith", "twitter_handle": None, "user_id": USER, "id": "4711"}
    wire.answer({"success": True, "user": {**user, "url": "https://gumroad.com/sailorjohn"}})
    provider = wire.make_provider("gumroad", mode)
    identity = provider.identify(grant_of(provider, None))
    asked = wire.only
    assert (asked.method, asked.url) == ("GET", "https://api.gumroad.com/v2/user")
    assert asked.headers["authorization"] == f"Bearer {ACCESS}"
    assert (identity.external_id, identity.display_name, identity.proof) == (USER, "John Smith", "token")


def test_a_user_without_a_name_is_shown_all_the_same(wire: Wire) -> None:
    # app/models/concerns/user/as_json.rb: without it, if there is none.
    wire.answer({"success": True, "user": {"user_id": USER, "id": "4711", "links": None}})
    provider = wire.make_provider("gumroad")
    assert provider.identify(grant_of(provider, None)).external_id == USER


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_was_taken_back_is_refused(wire: Wire, status: int) -> None:
    # gumroad.com/api, Errors; Doorkeeper's doorkeeper_authorize! for scopes
    wire.answer({"success": False, "message": "Unauthorized"}, status)
    provider = wire.make_provider("gumroad")
    with refused("identity_refused"):
        provider.identify(grant_of(provider, None))


@MODES
def test_revoking_is_as_in_rfc_7009(wire: Wire, mode: str) -> None:
    # doorkeeper-gem/doorkeeper 5.7: app/controllers/doorkeeper/tokens_controller.rb, revoke: the client's credentials
    # and the token; 200 with {}.
    wire.answer({})
    revoke(wire.make_provider("gumroad", mode), USER)
    asked = wire.only
    assert asked.method == "POST"
    assert asked.url in {f"{host}/oauth/revoke" for host in HOSTS}
    form = asked.form
    assert form.pop("token_type_hint", "access_token") in {"access_token", "refresh_token"}
    assert form.pop("token") in {ACCESS, REFRESH}
    assert form == {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


# doorkeeper-gem/doorkeeper 5.7: lib/doorkeeper/oauth/error_response.rb, as in RFC 6749.
@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "invalid_grant", "code_refused"),
        (400, "invalid_request", "request_refused"),
        (401, "invalid_client", "platform_refused"),
        (400, "unsupported_grant_type", "request_refused"),
        (400, "invalid_scope", "scope_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, reason: str) -> None:
    wire.answer({"error": code, "error_description": "The provided authorization grant is invalid."}, status)
    with refused(reason):
        redeem(wire.make_provider("gumroad"))


def test_a_seller_who_says_no_is_known(wire: Wire) -> None:
    assert "access_denied" in wire.make_provider("gumroad").denied


# gumroad.com/api, Resource subscriptions, and gumroad.com/ping: forms, unsigned, of sales and subscriptions alone.
@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"seller_id=kL0psVL2admJSYRNs-OCMg%3D%3D&resource_name=sale", {"Content-Type": FORM}), (b"{}", {}), (b"", {})],
)
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    with suppress(GrantRefusedError):  # where messages are not taken at all
        found = notice(wire.make_provider("gumroad"), body, headers)
        assert (found.proven, found.disconnected) == (False, False)

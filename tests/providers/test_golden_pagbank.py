"""PagBank Connect, as its documents describe it."""

from contextlib import suppress

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
    Asked,
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

# developer.pagbank.com.br/docs/connect-authorization and /reference/solicitar-autorizacao-via-connect-authorization.
AUTHORIZE = {
    "live": "https://connect.pagbank.com.br/oauth2/authorize",
    "test": "https://connect.sandbox.pagbank.com.br/oauth2/authorize",
}
# developer.pagbank.com.br/reference/obter-access-token: the API is still where PagSeguro was.
API = {"live": "https://api.pagseguro.com", "test": "https://sandbox.api.pagseguro.com"}
MODES = pytest.mark.parametrize("mode", ["live", "test"])
ACCOUNT = "ACCO_95F26B16-21AC-4B22-952A-7A73FC88BE3E"
# The same page, its sample.
TOKENS = {
    "token_type": "Bearer",
    "access_token": "1c9b0f6a-3cbd-4d09-a3fb-35bfb3e1c3d4",
    "expires_in": 31536000,
    "refresh_token": "6c5ac6c5-c6c5-4ac6-8c5a-c6c5ac6c5ac6",
    "scope": "payments.create",
    "account_id": ACCOUNT,
}


def check_platform(asked: Asked) -> None:
    """Who asks: two headers for the client, and the platform's own token beside them (the same page).

    The platform's token is another secret than the client's, so that it is neither that nor the account's.
    """
    headers = asked.headers
    assert (headers["x_client_id"], headers["x_client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
    scheme, _, token = headers["authorization"].partition(" ")
    assert scheme == "Bearer"
    assert token not in {"", CLIENT_SECRET, ACCESS}


@MODES
def test_the_browser_is_sent_to_the_authorization_page(wire: Wire, mode: str) -> None:
    sent = authorize(wire.make_provider("pagbank", mode))
    query = sent.query
    assert sent.address == AUTHORIZE[mode]
    assert query == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": query["scope"],
        "state": STATE,
    }


def test_the_scopes_are_words_between_blanks(wire: Wire) -> None:
    # developer.pagbank.com.br/reference/solicitar-autorizacao-via-connect-authorization: at most 150 characters.
    scope = authorize(wire.make_provider("pagbank")).query["scope"]
    words = set(scope.split(" "))
    payments, checkouts = ("read", "create", "refund"), ("create", "view", "update")
    assert words <= {f"payments.{word}" for word in payments} | {f"checkout.{word}" for word in checkouts} | {
        "accounts.read"
    }
    assert words & {"payments.create", "checkout.create"}
    assert len(scope) <= 150


def test_reading_asks_for_no_payments(wire: Wire) -> None:
    words = set(authorize(wire.make_provider("pagbank", scope="read_only")).query["scope"].split(" "))
    assert words <= {"payments.read", "accounts.read", "checkout.view"}


@MODES
def test_a_code_is_redeemed_as_json(wire: Wire, mode: str) -> None:
    wire.answer(TOKENS)
    redeem(wire.make_provider("pagbank", mode))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API[mode]}/oauth2/token")
    assert asked.json == {"grant_type": "authorization_code", "code": CODE, "redirect_uri": REDIRECT_URI}
    check_platform(asked)


def test_a_token_answer_names_the_account(wire: Wire) -> None:
    wire.answer(TOKENS)
    grant = redeem(wire.make_provider("pagbank"))
    assert (grant.external_id, grant.scope, grant.token_type) == (ACCOUNT, "payments.create", "bearer")
    assert tokens(grant) == (TOKENS["access_token"], TOKENS["refresh_token"])
    assert lasts(grant) == pytest.approx(365, abs=0.01)


def test_a_refresh_token_is_never_used_again(wire: Wire) -> None:
    # developer.pagbank.com.br/reference/renovar-access-token: the old one ends, with or without another use; 201 comes.
    wire.answer({**TOKENS, "access_token": "another-access-token", "refresh_token": "another-refresh-token"}, 201)
    grant = refresh(wire.make_provider("pagbank"))
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API['test']}/oauth2/refresh")
    assert asked.json == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    check_platform(asked)
    assert tokens(grant) == ("another-access-token", "another-refresh-token")
    assert grant.external_id in {None, ACCOUNT}


@MODES
def test_the_account_is_asked_with_both_tokens(wire: Wire, mode: str) -> None:
    # developer.pagbank.com.br/reference/consultar-conta, /reference/objeto-account: its headers are Authorization and
    # x-client-token, of which one has the account's token.
    provider = wire.make_provider("pagbank", mode)
    wire.answer({**TOKENS, "access_token": ACCESS})
    grant = redeem(provider)
    wire.answer(
        {
            "id": ACCOUNT,
            "type": "SELLER",
            "email": "owner@acme.example",
            "person": {"name": "Jose da Silva", "tax_id": "12345678909", "birth_date": "1985-01-01"},
            "created_at": "2019-08-24T14:15:22Z",
        }
    )
    identity = provider.identify(grant)
    asked = wire.asked[-1]
    assert (asked.method, asked.url) == ("GET", f"{API[mode]}/accounts/{ACCOUNT}")
    assert any(ACCESS in asked.headers.get(name, "") for name in ("authorization", "x-client-token"))
    assert (identity.external_id, identity.proof, identity.country) == (ACCOUNT, "token", "BR")
    assert identity.currency in {None, "brl"}
    assert identity.display_name != ""


def test_another_account_than_the_token_answer_named_is_refused(wire: Wire) -> None:
    wire.answer({"id": "ACCO_00000000-0000-0000-0000-000000000000", "type": "SELLER"})
    provider = wire.make_provider("pagbank")
    with refused("identity_mismatch"):
        provider.identify(grant_of(provider, ACCOUNT))


@MODES
def test_revoking_ends_a_token(wire: Wire, mode: str) -> None:
    # developer.pagbank.com.br/reference/revogar-access-token
    wire.answer(None, 200)
    revoke(wire.make_provider("pagbank", mode), ACCOUNT)
    asked = wire.only
    assert (asked.method, asked.url) == ("POST", f"{API[mode]}/oauth2/revoke")
    hint, token = asked.json["token_type_hint"], asked.json["token"]
    assert (hint, token) in {("access_token", ACCESS), ("refresh_token", REFRESH)}
    assert len(asked.json) == 2
    check_platform(asked)


# developer.pagbank.com.br/reference/codigos-de-erro-connect; /discuss/653acc981c53bb005c99054e has an answer as
# it came: 401 with 41004.
@pytest.mark.parametrize(
    ("status", "code", "description", "reason"),
    [
        (400, "41001", "invalid_request", "request_refused"),
        (401, "41003", "invalid_client", "platform_refused"),
        (401, "41004", "invalid_grant", "code_refused"),
        (400, "41005", "unsupported_grant_type", "request_refused"),
        (401, "41006", "unauthorized_client", "platform_refused"),
    ],
)
def test_documented_errors_have_reasons(wire: Wire, status: int, code: str, description: str, reason: str) -> None:
    wire.answer({"error_messages": [{"code": code, "description": description}]}, status)
    with refused(reason):
        redeem(wire.make_provider("pagbank"))


# /discuss/6765e83cba8e86001e26f965, and developer.pagbank.com.br/docs/codigos-de-status.
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"code": "41008", "description": "invalid_token"}),
        (400, {"code": "40002", "description": "invalid_parameter", "parameter_name": "code"}),
        (403, {"error": "access_denied", "description": "Access denied."}),
    ],
)
def test_other_errors_are_refusals_as_well(wire: Wire, status: int, error: dict[str, str]) -> None:
    wire.answer({"error_messages": [error]}, status)
    with refused():
        redeem(wire.make_provider("pagbank"))


def test_a_refresh_token_that_is_over_is_refused(wire: Wire) -> None:
    wire.answer({"error_messages": [{"code": "41004", "description": "invalid_grant"}]}, 401)
    with refused("code_refused"):
        refresh(wire.make_provider("pagbank"))


def test_a_merchant_who_says_no_is_known(wire: Wire) -> None:
    # RFC 6749 section 4.1.2.1; PagBank's documents only show the answer of one who says yes.
    assert "access_denied" in wire.make_provider("pagbank").denied


@pytest.mark.parametrize("body", [b'{"id": "ORDE_1", "charges": [{"id": "CHAR_1", "status": "CANCELED"}]}', b""])
def test_no_message_is_believed_to_be_a_disconnection(wire: Wire, body: bytes) -> None:
    # developer.pagbank.com.br/reference/confirmar-autenticidade-da-notificacao: they are about orders, and signed by
    # the platform's own token.
    with suppress(GrantRefusedError):  # where messages are not taken at all
        assert not notice(wire.make_provider("pagbank"), body, {"x-authenticity-token": "0" * 64}).disconnected

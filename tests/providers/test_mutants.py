"""A declaration that is wrong in one way is noticed, one way for each kind of quirk. `make mutants` tries every key."""

from typing import Any

import pytest

from tests.providers.mutants import Mutant

BROKEN: dict[str, tuple[str, str, Any]] = {
    "what must be in an answer": ("stripe", "token.answer.required", ["access_token"]),
    "test by another host": ("square", "modes.test.host", "connect.squareup.com"),
    "regions": ("clover", "variables.region.values.eu.api", "api.clover.com"),
    "fixed parameters": ("mercadopago", "authorize.params.platform_id", "ml"),
    "scopes in an array": ("razorpay", "scopes.array", False),
    "the name of the state": ("helloasso", "authorize.rename", {"state": "status"}),
    "PKCE": ("helloasso", "pkce", "none"),
    "an account in the callback": ("clover", "callback.account", "employee_id"),
    "the encoding of the token request": ("square", "token.body", "form"),
    "the fields of the token request": ("clover", "token.sends", ["grant_type", "code"]),
    "how the platform proves itself": ("mollie", "token.auth", "client_secret_post"),
    "where the expiry is": ("clover", "token.answer.expires", "expires_in"),
    "where the account is": ("square", "identify.id", "merchant.owner_id"),
    "a further secret": ("pagbank", "identify.headers.Authorization", "Bearer {client_secret}"),
    "how a credential is used": ("stripe", "use.platform", {"Authorization": "Bearer {client_secret}"}),
    "the rule of refreshing": ("clover", "refresh.rule", "same"),
    "the verb of taking back": ("mollie", "revoke.method", "POST"),
    "where an error's code is": ("razorpay", "errors.code", "code"),
    "what a webhook signs": ("square", "webhook.signed", "{body}"),
    "what means disconnected": ("stripe", "webhook.disconnected", ["account.updated"]),
    "an account in an unsigned return": ("paypal", "callback.account", "merchantIdInPaypal"),
    "a variant": ("stripe.apps", "refresh.rule", "same"),
    "what means ready": ("mollie", "readiness.ready", [{"path": "canReceiveSettlements", "equals": True}]),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_wrong_declaration_is_noticed(way: str) -> None:
    file, key, value = BROKEN[way]
    assert Mutant(file, key, value).is_noticed()

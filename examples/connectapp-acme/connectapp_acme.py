"""Acme, an imaginary payment provider: all that connectapp has to know of it."""

from connectapp.providers.declaration import Declaration
from connectapp.providers.endpoints import Answer, Identify, Revoke, Token, Webhook
from connectapp.providers.parts import Authorize, Modes, Scopes

API_VERSION = 1  # of connectapp.providers.sources, which refuses a module that is made for another one

DECLARATION = Declaration(
    name="acme",
    title="Acme",
    documentation="https://acme.example/docs/oauth",
    charges=True,
    currencies=("eur", "usd"),
    account_pattern="^am_[a-z0-9]{1,40}$",
    modes=Modes(by="host", live={"host": "acme.example"}, test={"host": "sandbox.acme.example"}),
    authorize=Authorize(url="https://{host}/oauth/authorize", prefill={"email": "login_hint"}),
    scopes=Scopes(presets={"charge": ("payments", "profile"), "read_only": ("profile",)}),
    pkce="required",
    token=Token(
        url="https://{host}/oauth/token",
        auth="client_secret_post",
        answer=Answer(required=("access_token", "refresh_token", "account"), account="merchant_id"),
    ),
    identify=Identify(
        url="https://{host}/api/merchants/me", id=("id",), name=("name",), country="country", currency="currency"
    ),
    revoke=Revoke(
        url="https://{host}/oauth/revoke",
        auth="client_secret_post",
        params={"token": "{refresh_token}", "token_type_hint": "refresh_token"},
    ),
    webhook=Webhook(
        header="Acme-Signature",
        algorithm="hmac-sha256",
        signed="{t}.{body}",
        timestamp_element="t",
        signature_element="s",
        tolerance=300,
        id="id",
        type="type",
        account="merchant_id",
        disconnected=("merchant.disconnected",),
    ),
)

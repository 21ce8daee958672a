"""A provider that a test adds: PKCE, the redirect URI at both endpoints, and bad intentions of its server's."""

from typing import Any

from connectapp.providers.interfaces import Grant, Identity
from connectapp.providers.oauth2 import Declaration, OAuth2Provider
from connectapp.secret import Secret

DECLARATION = Declaration(
    name="evil",
    title="Evil",
    authorize_url="https://evil.test/oauth/authorize",
    token_url="https://evil.test/oauth/token",
    api_url="https://evil.test/",
    scopes=("read_write",),
    client_auth="client_secret_post",
    uses_pkce=True,
    account_field="stripe_user_id",
    prefill={"business_name": "business_name"},
)


class Evil(OAuth2Provider):
    """Believes its own answer."""

    def identify(self, grant: Grant) -> Identity:
        return Identity(str(grant.external_id), "Evil account", "token")

    def revoke(self, external_id: str | None, access_token: Secret | None) -> None:
        self.call("POST", "https://evil.test/oauth/deauthorize", data={"client_id": self.settings.client_id})


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION, Evil)

"""A provider that a test adds: one of the sandbox's others, by its declaration alone."""

from typing import Any

from connectapp.providers.oauth2 import Declaration


def declared(name: str, title: str, **more: Any) -> Declaration:
    """The declaration of the sandbox's provider of this name."""
    site = f"https://{name.replace('_', '-')}.example"
    return Declaration(
        name=name,
        title=title,
        authorize_url=f"{site}/oauth/authorize",
        token_url=f"{site}/oauth/token",
        api_url=f"{site}/",
        scopes=("payments",),
        uses_pkce=True,
        account_url=f"{site}/account",
        revoke_url=f"{site}/oauth/revoke",
        **more,
    )


DECLARATION = declared("evil", "Evil", client_auth="client_secret_post")


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION)

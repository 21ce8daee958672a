"""A provider that a test adds: one of the sandbox's others, by its declaration alone."""

from typing import Any

from connectapp.providers.declaration import Declaration


def declared(name: str, title: str, auth: str = "client_secret_basic", **more: Any) -> Declaration:
    """The declaration of the sandbox's provider of this name."""
    site = f"https://{name.replace('_', '-')}.example"
    revoke = {"url": f"{site}/oauth/revoke", "auth": auth, "params": {"token": "{access_token}"}}
    values: dict[str, Any] = {
        "name": name,
        "title": title,
        "charges": True,
        "modes": {"by": "none"},
        "authorize": {"url": f"{site}/oauth/authorize"},
        "scopes": {"presets": {"charge": ["payments"]}},
        "pkce": "required",
        "token": {"url": f"{site}/oauth/token", "auth": auth},
        "identify": {
            "url": f"{site}/account",
            "id": "id",
            "name": "name",
            "country": "country",
            "currency": "currency",
        },
        "revoke": revoke,
    }
    return Declaration.model_validate(values | more)


DECLARATION = declared("evil", "Evil", "client_secret_post")

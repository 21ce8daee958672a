"""A provider that a test adds: its token endpoint answers in XML."""

from connectapp.providers.declaration import Declaration

SITE = "https://markup.example"
DECLARATION = Declaration.model_validate(
    {
        "name": "markup",
        "title": "Markup",
        "charges": True,
        "modes": {"by": "none"},
        "authorize": {"url": f"{SITE}/oauth/authorize"},
        "scopes": {"presets": {"charge": ["payments"]}},
        "token": {
            "url": f"{SITE}/oauth/token",
            "answer": {"access_token": "credentials.access-token", "token_type": "credentials.token-type"},
        },
        "identify": {"url": f"{SITE}/account", "id": "id", "name": "name"},
        "revoke": {"url": f"{SITE}/oauth/revoke", "params": {"token": "{access_token}"}},
        "errors": {"code": ["errors.0.code"]},
    }
)

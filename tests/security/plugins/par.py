"""A provider that a test adds: it takes what browsers would carry from the platform alone (RFC 9126)."""

from connectapp.providers.declaration import Declaration

SITE = "https://par.example"
DECLARATION = Declaration.model_validate(
    {
        "name": "par",
        "title": "Par",
        "charges": True,
        "modes": {"by": "none"},
        "authorize": {"url": f"{SITE}/oauth/authorize", "prefill": {"email": "login_hint"}},
        "pushed": {"url": f"{SITE}/oauth/par"},
        "scopes": {"presets": {"charge": ["payments", "profile"]}},
        "pkce": "required",
        "token": {"url": f"{SITE}/oauth/token"},
        "identify": {"url": f"{SITE}/account", "id": "id", "name": "name"},
        "revoke": {"url": f"{SITE}/oauth/revoke", "params": {"token": "{access_token}"}},
    }
)

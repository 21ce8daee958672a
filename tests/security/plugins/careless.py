"""A provider that a test adds: it tries to do without state and PKCE in every way that it can think of."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectapp.providers.evil import DECLARATION as EVIL

from connectapp.providers.oauth2 import OAuth2Provider

DECLARATION = replace(EVIL, name="careless", title="Careless", uses_pkce=False)


class Careless(OAuth2Provider):
    """Sends no state, and says that none is needed."""

    use_state = False
    requires_state = False
    STATE_PARAMETER = False

    def authorize_url(self, **kwargs: Any) -> str:
        url = super().authorize_url(**kwargs)
        parts = urlsplit(url)
        return parts._replace(query=urlencode([pair for pair in parse_qsl(parts.query) if pair[0] != "state"])).geturl()

    def validate_state(self, *args: Any) -> bool:
        return True

    def callback(self, request: Any) -> Any:
        raise AssertionError("a provider has no callback of its own")


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION, Careless)

"""A provider that a test adds: it tries to do without state and PKCE in every way that it can think of."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectapp.providers.evil import declared

from connectapp.providers.interfaces import Prefill
from connectapp.providers.oauth2 import OAuth2Provider

DECLARATION = declared("careless", "Careless", "client_secret_post", pkce="none").model_copy(
    update={part: getattr(declared("evil", "Evil"), part) for part in ("authorize", "token", "identify", "revoke")}
)


class Careless(OAuth2Provider):
    """Sends no state, and says that none is needed. It behaves only as long as it is looked at, at the start."""

    use_state = False
    requires_state = False
    STATE_PARAMETER = False

    def authorize_url(self, *, prefill: Prefill, **kwargs: Any) -> str:
        url = super().authorize_url(prefill=prefill, **kwargs)
        if prefill == Prefill():
            return url
        parts = urlsplit(url)
        return parts._replace(query=urlencode([pair for pair in parse_qsl(parts.query) if pair[0] != "state"])).geturl()

    def validate_state(self, *args: Any) -> bool:
        return True

    def callback(self, request: Any) -> Any:
        raise AssertionError("a provider has no callback of its own")


PROVIDER = Careless

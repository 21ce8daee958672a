"""Who may ask for access: the platforms that are registered with the sandbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Mode = Literal["test", "live"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Platform:
    """One side (test or live) of a platform. Two sides with one `name` are the same company.

    :param redirect_uris: compared exactly, the first is the default; empty: any URI on this machine.
    :param account: the platform's own account id. :param provider: the personality that it is registered with.
    :param secrets: what it has besides the secret key, by the names of the declaration.
    """

    client_id: str = "ca_sandbox"
    secret_key: str = field(default="sk_test_sandbox", repr=False)
    mode: Mode = "test"
    redirect_uris: tuple[str, ...] = ()
    name: str = "Sandbox platform"
    account: str = "acct_1SandboxPlatform00"
    provider: str = "stripe"
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    @property
    def livemode(self) -> bool:
        """Stripe's word for the mode."""
        return self.mode == "live"

    def redirect_uri(self, asked: str | None) -> str | None:
        """The redirect URI to use, or None where `asked` is not allowed or there is no default."""
        if asked is None:
            return next(iter(self.redirect_uris), None)
        allowed = asked in self.redirect_uris if self.redirect_uris else _on_this_machine(asked)
        return asked if allowed and (not self.livemode or asked.startswith("https://")) else None


def _on_this_machine(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK and not parts.fragment


class Platforms:
    """All platforms, found by client id or by key.

    :raises ValueError: two platforms of one provider share a client id or a key.
    """

    def __init__(self, platforms: Iterable[Platform]) -> None:
        self.all = tuple(platforms)
        self._by_client = {(one.provider, one.client_id): one for one in self.all}
        self._by_key = {(one.provider, one.secret_key): one for one in self.all}
        if not len(self.all) == len(self._by_client) == len(self._by_key):
            raise ValueError("two platforms of one provider share a client id or a secret key")

    def by_client(self, client_id: str | None, provider: str = "stripe") -> Platform | None:
        """The platform side with this client id at a provider."""
        return self._by_client.get((provider, client_id or ""))

    def by_key(self, key: str | None, provider: str = "stripe") -> Platform | None:
        """The platform side with this secret key at a provider."""
        return self._by_key.get((provider, key or ""))

    def at(self, provider: str) -> tuple[Platform, ...]:
        """The platform sides that are registered with a provider."""
        return tuple(one for one in self.all if one.provider == provider)

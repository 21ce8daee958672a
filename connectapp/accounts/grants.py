"""A grant as text, to be sealed: in the journal, and where it waits for its organizer."""

from datetime import datetime

from connectapp.providers.interfaces import Grant
from connectapp.secret import Secret

SECRETS = ("access_token", "refresh_token")


def dump_grant(grant: Grant) -> dict[str, object]:
    """A grant as JSON values, secrets in clear: only ever for `KeyRing.seal`."""
    values: dict[str, object] = {
        name: value for name, value in vars(grant).items() if not isinstance(value, (Secret, datetime))
    }
    values |= {name: secret.reveal() for name in SECRETS if (secret := getattr(grant, name))}
    values["expires_at"] = grant.expires_at and grant.expires_at.isoformat()
    return values


def load_grant(values: dict[str, object]) -> Grant:
    """The reverse of `dump_grant`."""
    known = dict(values)
    for name in SECRETS:
        if known.get(name):
            known[name] = Secret(str(known[name]))
    if known["expires_at"]:
        known["expires_at"] = datetime.fromisoformat(str(known["expires_at"]))
    return Grant(**known)  # type: ignore[arg-type]

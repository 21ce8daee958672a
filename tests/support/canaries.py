"""Searches for secrets in everything that the application leaves behind."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from tests.support.rows import params
from tests.support.sandbox import SECRET_KEY
from tests.support.site import PASSWORD, Site


def forms(canary: str) -> Iterator[bytes]:
    """A secret as it might lie somewhere: plain, in hex, URL-encoded, in base64 at each of the three offsets."""
    raw = canary.encode()
    yield from (raw, raw.hex().encode(), quote(canary, safe="").encode(), raw[::-1], canary.encode("utf-16-le"))
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        # The ends mix with what lies beside it.
        yield encoded[4 if offset else 0 : -4]


def found(canaries: Iterable[str], contents: Iterable[bytes]) -> list[tuple[str, bytes]]:
    hay = list(contents)
    return [(canary, form) for canary in canaries for form in forms(canary) for content in hay if form in content]


def on_disk(site: Site, directory: Path) -> Iterator[bytes]:
    """Every byte that the application left, the vault's own keys apart."""
    if site.engine.dialect.name == "postgresql":
        (row,) = site.rows("SHOW data_directory")
        (oid,) = site.rows("SELECT oid FROM pg_database WHERE datname = current_database()")
        data = Path(row[0])
        for place in (data / "base" / str(oid[0]), data / "pg_wal"):
            yield from (path.read_bytes() for path in place.rglob("*") if path.is_file())
    yield from (path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != "vault.keys")


def secrets_of(site: Site, *urls: str) -> set[str]:
    """What must not be found anywhere: of the ledger, of these addresses, of the settings."""
    ledger = site.sandbox.ledger()
    tokens = {grant[name] for grant in ledger["grants"] for name in ("access_token", "refresh_token")}
    trips = {value for url in urls for name in ("code", "state") for value in params(url).get(name, [])}
    return tokens | trips | {code["code"] for code in ledger["codes"]} | {SECRET_KEY, PASSWORD}

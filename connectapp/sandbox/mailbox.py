"""The page at ``/mail``: every mail that the platform sent, newest first, as text whose links can be followed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from webob import Response

from connectapp.sandbox.pages import page
from connectapp.sandbox.records import Mail
from connectapp.sandbox.routing import World

# What ends a sentence after an address does not belong to it.
_LINK = re.compile(r"""(https?://[^\s<>"']*[^\s<>"'.,;:!?()\[\]])""")


@dataclass(frozen=True)
class Letter:
    """A mail for the page. :param parts: pieces of the body, each with whether it is an address to follow."""

    to: str
    sender: str
    subject: str
    when: str
    parts: list[tuple[str, bool]]


def mailbox(world: World) -> Response:
    """Render the page."""
    with world.ledger.lock:
        mails = [_letter(mail) for mail in reversed(world.ledger.mails)]
    return page("mailbox.jinja2", mails=mails)


def _letter(mail: Mail) -> Letter:
    when = f"{datetime.fromtimestamp(mail.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return Letter(mail.to, mail.sender, mail.subject, when, list(_parts(mail.body)))


def _parts(body: str) -> Iterator[tuple[str, bool]]:
    for index, piece in enumerate(_LINK.split(body.strip())):
        if piece:
            yield piece, index % 2 == 1

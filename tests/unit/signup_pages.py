"""The pages of signing up and of new passwords in their states, for `test_templates`."""

from collections.abc import Iterator
from typing import Any

from tests.unit.pages import HOSTILE, MAILS, SIGNED_OUT


def signup_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The template's name and its variables."""
    frame: dict[str, Any] = {"site": SIGNED_OUT, "email": HOSTILE}
    for kind in ("signup", "reset"):
        for policy in ("open", "invite", "closed"):
            page = frame | {"kind": kind, "policy": policy, "mails_url": MAILS}
            yield "signup", page | {"problem": None, "sent": False}
            yield "signup", page | {"problem": HOSTILE, "sent": False}
            yield "signup", page | {"problem": None, "sent": True}
            yield "signup", page | {"problem": None, "sent": True, "mails_url": None}
    for action in ("verify", "reset"):
        page = frame | {"action": action, "token": HOSTILE, "name": HOSTILE}
        yield "choose_password", page | {"problems": {}}
        yield "choose_password", page | {"problems": {"name": HOSTILE, "password": HOSTILE}}

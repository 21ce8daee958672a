"""The pages of members and invitations in their states, for `test_templates`."""

from collections.abc import Iterator
from typing import Any

from connectapp.organizers.members import Invitation, Member
from tests.unit.pages import AT, HOSTILE, SIGNED_IN, SIGNED_OUT

MEMBERS = [Member("1", HOSTILE, "owner", AT), Member("2", HOSTILE, "owner", AT), Member("3", HOSTILE, "member", AT)]
INVITED = [Invitation(HOSTILE, HOSTILE, "member", AT)]


def member_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The template's name and its variables."""
    frame: dict[str, Any] = {"site": SIGNED_IN, "email": HOSTILE, "role": HOSTILE}
    for may_manage, may_invite in ((True, True), (True, False), (False, False)):
        page = frame | {"members": MEMBERS, "me": "1", "may_manage": may_manage, "may_invite": may_invite}
        yield "members", page | {"invitations": INVITED, "problem": HOSTILE}
        yield "members", page | {"invitations": [], "problem": None}
    yield "members_leave", frame
    for step in ("join", "other_address", "sign_in", "sign_up", "ask_admin"):
        page = frame | {"token": HOSTILE, "inviter": HOSTILE, "organizer": HOSTILE, "step": step}
        page["site"] = SIGNED_IN if step in {"join", "other_address"} else SIGNED_OUT
        yield "invite", page | {"problems": {}}
        yield "invite", page | {"problems": {"password": HOSTILE}, "role": "owner"}

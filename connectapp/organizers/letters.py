"""What is mailed to people about their user: texts, and how many mails one address may get."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from connectapp import tries
from connectapp.mail import get_mailer
from connectapp.settings import get_settings

MOST_MAILS = 5  # to one address in an hour; whoever asks more often hears the same and gets none

SIGNUP = (
    "Finish signing up",
    """\
Somebody, probably you, wants to sign up at {url} with this address.

Choose a password, and you are in:
{url}/verify?token={token}

The link works for 24 hours, once. If it was not you, do nothing: then nothing was made.
""",
)
KNOWN = (
    "You are signed up already",
    """\
Somebody, probably you, wants to sign up at {url} with this address. It is known there already.

Sign in: {url}/signin
Forgot your password? {url}/reset
""",
)
RESET = (
    "A new password",
    """\
Somebody, probably you, wants a new password at {url} for this address.

Choose it here:
{url}/reset?token={token}

The link works for one hour, once. If it was not you, do nothing: your password stays as it is.
""",
)
CHANGED = (
    "Your password was changed",
    """\
The password of this address at {url} was changed just now, by a link that was mailed to you. Everybody who was
signed in with it was signed out.

If it was not you, somebody else reads your mail: see to that first, then choose another password at {url}/reset
""",
)
INVITED = (
    "You are invited",
    """\
{who} invites you to {organizer} at {url}, as {role}.

Have a look, and join if you like:
{url}/invite?token={token}

The link works for seven days, once, for this address alone. If you do not know {who}, do nothing.
""",
)
JOINED = (
    "Your invitation was accepted",
    """\
{who} has joined {organizer} at {url}, as {role}.

Everybody who may act for it: {url}/members
""",
)
ROLE = (
    "Your role was changed",
    """\
{who} has changed your role in {organizer} at {url}: you are {role} now.
""",
)
REMOVED = (
    "You were removed",
    """\
{who} has removed you from {organizer} at {url}. You cannot act for it any more.
""",
)
ROLES = {"owner": "an owner", "member": "a member"}


def send(session: Session, registry: Any, email: str, letter: tuple[str, str], **values: str) -> None:
    """Write a letter in the caller's transaction."""
    subject, body = letter
    text = body.format(url=get_settings(registry).url, **values)
    get_mailer(registry).write(session, email, subject, text)


def may_mail(session: Session, email: str) -> bool:
    """Whether the address may get one more letter that anybody can ask for; counts it."""
    counted = tries.key("mail", email)
    if tries.count(session, counted, timedelta(hours=1)) >= MOST_MAILS:
        return False
    tries.note(session, counted)
    return True

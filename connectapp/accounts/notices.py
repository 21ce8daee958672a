"""Mails that tell an organizer's owners what happened to their accounts, written in the transaction that did it."""

from typing import Any

from sqlalchemy import select

from connectapp.accounts.announcements import AccountReplacing
from connectapp.accounts.store import AccountStore
from connectapp.mail import get_mailer, quoted
from connectapp.organizers.models import Membership, Organizer, User
from connectapp.settings import get_settings

REPLACED = """\
{who} has replaced the account that ticket money of {organizer} goes to.

Until now:  {old}
From now on: {new}

If this is a surprise, sign in and look at your accounts at once: {url}/accounts
"""


def tell_owners(registry: Any, event: AccountReplacing) -> None:
    """Mail all owners that an account was replaced (ASVS 7.5.3)."""
    session, mailer = event.store.session, get_mailer(registry)
    text = REPLACED.format(
        who=session.scalar(select(User.email).filter_by(id=event.owner.user_id)),
        organizer=quoted(session.scalar(select(Organizer.name).filter_by(id=event.owner.organizer_id))),
        old=_named(event.store, event.old_account_id, event.owner.organizer_id),
        new=_named(event.store, event.account_id, event.owner.organizer_id),
        url=get_settings(registry).url,
    )
    owners = select(User.email).join(Membership, Membership.user_id == User.id)
    here = Membership.organizer_id == event.owner.organizer_id
    for email in session.scalars(owners.where(here, Membership.role == "owner", User.disabled_at.is_(None))).all():
        mailer.write(session, email, "The account that your ticket money goes to was replaced", text)


def _named(store: AccountStore, account_id: str, organizer_id: str) -> str:
    account = store.view(account_id, organizer_id)
    return f"{quoted(account.display_name)} ({account.provider_name}, {account.masked_id}, {account.mode} mode)"


def includeme(config: Any) -> None:
    registry = config.registry
    config.add_subscriber(lambda event: tell_owners(registry, event), AccountReplacing)

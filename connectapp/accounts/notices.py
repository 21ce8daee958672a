"""Mails that tell an organizer's owners what happened to their accounts, written in the transaction that did it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp.accounts.announcements import AccountLosing, AccountReplacing
from connectapp.accounts.losses import sentence
from connectapp.accounts.store import AccountStore
from connectapp.mail import get_mailer, quoted
from connectapp.organizers.models import Membership, Organizer, User
from connectapp.providers.interfaces import title_of
from connectapp.providers.registry import get_providers
from connectapp.settings import get_settings

REPLACED = """\
{who} has replaced the account that ticket money of {organizer} goes to.

Until now:  {old}
From now on: {new}

If this is a surprise, sign in and look at your accounts at once: {url}/accounts
"""


LOST = """\
Ticket money of {organizer} cannot go to this account at present:

{account}

{reason} Buyers are not offered it until you connect it again, which takes a minute and changes nothing in your events:
{url}/accounts/{account_id}
"""


def tell_of_replacement(registry: Any, event: AccountReplacing) -> None:
    """Mail all owners that an account was replaced (ASVS 7.5.3)."""
    session = event.store.session
    text = REPLACED.format(
        who=session.scalar(select(User.email).filter_by(id=event.owner.user_id)),
        organizer=quoted(session.scalar(select(Organizer.name).filter_by(id=event.owner.organizer_id))),
        old=_named(event.store, event.old_account_id, event.owner.organizer_id),
        new=_named(event.store, event.account_id, event.owner.organizer_id),
        url=get_settings(registry).url,
    )
    subject = "The account that your ticket money goes to was replaced"
    _mail_owners(registry, session, event.owner.organizer_id, subject, text)


def tell_of_loss(registry: Any, event: AccountLosing) -> None:
    """Mail all owners that an account does not work any more, and what to do."""
    session, lost = event.store.session, event.lost
    text = LOST.format(
        organizer=quoted(session.scalar(select(Organizer.name).filter_by(id=lost.organizer_id))),
        account=_named(event.store, lost.account_id, lost.organizer_id),
        reason=sentence(lost.reason, title_of(lost.provider, get_providers(registry))),
        url=get_settings(registry).url,
        account_id=lost.account_id,
    )
    _mail_owners(registry, session, lost.organizer_id, "An account for your ticket money must be connected again", text)


def _mail_owners(registry: Any, session: Session, organizer_id: str, subject: str, text: str) -> None:
    mailer, owners = get_mailer(registry), select(User.email).join(Membership, Membership.user_id == User.id)
    here = Membership.organizer_id == organizer_id
    for email in session.scalars(owners.where(here, Membership.role == "owner", User.disabled_at.is_(None))).all():
        mailer.write(session, email, subject, text)


def _named(store: AccountStore, account_id: str, organizer_id: str) -> str:
    account = store.view(account_id, organizer_id)
    return f"{quoted(account.display_name)} ({account.provider_name}, {account.masked_id}, {account.mode} mode)"


def includeme(config: Any) -> None:
    registry = config.registry
    config.add_subscriber(lambda event: tell_of_replacement(registry, event), AccountReplacing)
    config.add_subscriber(lambda event: tell_of_loss(registry, event), AccountLosing)

"""Throws away what is of no use any more. Audit records, accounts and attempts are kept."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from connectapp import tries
from connectapp.db import utcnow, work_of
from connectapp.mail import OutgoingMail
from connectapp.organizers.models import MailedLink
from connectapp.sessions import BrowserSession
from connectapp.settings import Settings, get_settings
from connectapp.tries import RecentTry

EVERY = timedelta(hours=1)
KEPT_FOR = timedelta(days=30)  # who got which mail, and when, for questions about it


def purge(session: Session, settings: Settings) -> None:
    """Delete sessions that are over, tries that do not count any more, and old mails and links that are done with."""
    now = utcnow()
    idle = BrowserSession.seen_at <= now - timedelta(minutes=settings.session_idle_minutes)
    old = BrowserSession.created_at <= now - timedelta(hours=settings.session_absolute_hours)
    session.execute(delete(BrowserSession).where(or_(idle, old)))
    session.execute(delete(RecentTry).where(RecentTry.at < now - tries.KEPT_FOR))
    session.execute(
        delete(OutgoingMail).where(OutgoingMail.content.is_(None), OutgoingMail.created_at < now - KEPT_FOR)
    )
    session.execute(delete(MailedLink).where(MailedLink.expires_at < now - KEPT_FOR))


def _purge(registry: Any, _job: object) -> None:
    with work_of(registry).writing() as session:
        purge(session, get_settings(registry))


def includeme(config: Any) -> None:
    config.add_job("purge", _purge, EVERY)

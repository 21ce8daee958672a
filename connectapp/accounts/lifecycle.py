"""What happens to a connected account after it was linked: disconnect, and taking the access back at the provider.

Taking back is per account at Stripe and Square: it cuts every link of the account to the platform. So nothing here
revokes while another live link uses the same provider account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from connectapp import audit
from connectapp.accounts.announcements import AccountDisconnected
from connectapp.accounts.models import ACTIVE, DISCONNECTED, DISCONNECTING, ConnectedAccount
from connectapp.accounts.store import AccountStore, Owner, masked
from connectapp.db import Work, utcnow
from connectapp.errors import ProviderError, UnreadableError
from connectapp.providers.interfaces import Grant, IPaymentProvider
from connectapp.secret import Secret
from connectapp.vault import KeyRing

TRIES = ("account.disconnecting", "account.revoke_failed")
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Revocation:
    """What is to be taken back at the provider, as plain values between two transactions."""

    account_id: str
    external_id: str
    access_token: Secret | None


class Lifecycle:
    """Changes to connected accounts that need the provider; no database connection is held while it is asked.

    :param work: transactions of its own. :param ring: opens the token that some providers want for the revocation.
    """

    def __init__(self, work: Work, ring: KeyRing) -> None:
        self.work = work
        self.ring = ring

    def disconnect(self, provider: IPaymentProvider, account_id: str, owner: Owner) -> str:
        """Make the account unusable here at once, then take the access back at the provider, once.

        :return: the state afterwards: ``disconnected``, or ``disconnecting`` if the provider did not confirm.
        :raises KeyError: if the organizer has no such account.
        """
        with self.work.writing() as session:
            store = AccountStore(session, self.ring)
            link = store.locked(account_id, owner.organizer_id)
            if link.status != ACTIVE:
                return link.status
            revocation = mark_disconnecting(store, link, owner)
            self._announce_end(link)
        return self.revoke(provider, revocation, owner)

    def revoke_again(self, provider: IPaymentProvider, account_id: str, owner: Owner) -> str:
        """Try once more to take the access back for an account that is ``disconnecting``.

        :return: the state afterwards. :raises KeyError: if the organizer has no such account.
        """
        with self.work.writing() as session:
            store = AccountStore(session, self.ring)
            link = store.locked(account_id, owner.organizer_id)
            if link.status != DISCONNECTING:
                return link.status
            revocation = _unless_used(store, link, owner)
        return self.revoke(provider, revocation, owner)

    def chase(self, providers: Mapping[str, IPaymentProvider]) -> None:
        """Try again for every account whose access is not taken back yet: after 1, 2, 4 … 60 minutes.

        Two processes may do so at once: a provider that is asked twice says that the access is gone.
        """
        for account_id, owner, name, mode in self._due():
            provider = providers.get(name)
            if provider is not None and provider.mode == mode:
                self.revoke_again(provider, account_id, owner)

    def _due(self) -> list[tuple[str, Owner, str, str]]:
        """Account, who disconnected it, provider and mode."""
        found = []
        with self.work.reading() as session:
            for link in session.scalars(select(ConnectedAccount).filter_by(status=DISCONNECTING)):
                tries = audit.records(session, _subject(link), *TRIES)
                if not _is_due([one.at for one in tries]):
                    continue
                user_id = tries[-1].user_id if tries else None
                owner = Owner(link.organizer_id, user_id or link.linked_by)
                found.append((link.id, owner, link.provider_account.provider, link.provider_account.mode))
        return found

    def revoke_unused(self, provider: IPaymentProvider, grant: Grant) -> None:
        """Take a grant back that is not going to be stored, unless a live link uses its account.

        :raises ProviderError: if the provider did not confirm.
        """
        with self.work.writing() as session:
            if AccountStore(session, self.ring).used(provider.name, grant.mode, grant.external_id):
                return
        provider.revoke(grant.external_id, grant.access_token)

    def revoke(self, provider: IPaymentProvider, revocation: Revocation | None, owner: Owner) -> str:
        """Ask the provider once, and note what came of it.

        :param revocation: what `mark_disconnecting` gave. :return: the state afterwards.
        """
        if revocation is None:
            return DISCONNECTED
        failure = None
        try:
            provider.revoke(revocation.external_id, revocation.access_token)
        except ProviderError as error:
            failure = error.code
        with self.work.writing() as session:
            store = AccountStore(session, self.ring)
            link = store.locked(revocation.account_id, owner.organizer_id)
            if failure:
                _note(store, link, owner, "account.revoke_failed", code=failure)
            elif link.status != DISCONNECTED:
                if link.status == ACTIVE:  # linked again meanwhile: the provider has just cut that link too
                    self._announce_end(link)
                _close(store, link, owner)
            return link.status

    def _announce_end(self, link: ConnectedAccount) -> None:
        account = link.provider_account
        self.work.announce(AccountDisconnected(link.id, link.organizer_id, account.provider, account.mode))


def mark_disconnecting(store: AccountStore, link: ConnectedAccount, owner: Owner) -> Revocation | None:
    """Make the account unusable, in the caller's transaction; for `Lifecycle.revoke` after it.

    :return: None if there is nothing to revoke, because another live link uses the provider account.
    """
    link.status = DISCONNECTING
    link.version += 1
    _note(store, link, owner, "account.disconnecting")
    return _unless_used(store, link, owner)


def _unless_used(store: AccountStore, link: ConnectedAccount, owner: Owner) -> Revocation | None:
    """What to revoke; or None after ending the link, because another live one uses the provider account."""
    account = link.provider_account
    if store.used(account.provider, account.mode, account.external_id, besides=link.id):
        _close(store, link, owner)
        return None
    return _revocation(store, link)


def _is_due(tries: list[datetime]) -> bool:
    """Whether it is time to ask again, by the times of the first try and of its failures."""
    pause = min(timedelta(minutes=2 ** min(len(tries) - 1, 10)), LONGEST_PAUSE)
    return not tries or tries[0] <= utcnow() - pause


def _subject(link: ConnectedAccount) -> str:
    return f"connected_account:{link.id}"


def _revocation(store: AccountStore, link: ConnectedAccount) -> Revocation:
    try:
        token = store.access_token(link)
    except UnreadableError:
        token = None  # many providers revoke by account id alone; the others will say no
    return Revocation(link.id, link.provider_account.external_id, token)


def _close(store: AccountStore, link: ConnectedAccount, owner: Owner) -> None:
    """Forget the credentials and end the link."""
    link.status = DISCONNECTED
    link.version += 1
    link.access_token = link.refresh_token = None
    link.disconnected_at = utcnow()
    _note(store, link, owner, "account.disconnected")


def _note(store: AccountStore, link: ConnectedAccount, owner: Owner, action: str, **details: str) -> None:
    audit.record(
        store.session,
        action,
        _subject(link),
        organizer_id=owner.organizer_id,
        user_id=owner.user_id,
        account=masked(link.provider_account.external_id),
        **details,
    )

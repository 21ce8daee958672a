"""What happens to a connected account after it was linked: disconnect, and taking the access back at the provider.

Taking back is per account at Stripe and Square: it cuts every link of the account to the platform. So nothing here
revokes while another live link uses the same provider account.
"""

from dataclasses import dataclass

from connectapp import audit, jobs
from connectapp.accounts.announcements import AccountDisconnected
from connectapp.accounts.models import DISCONNECTED, DISCONNECTING, USED_STATES, ConnectedAccount
from connectapp.accounts.store import AccountStore, Owner, subject
from connectapp.db import Work, utcnow
from connectapp.errors import ProviderError, UnreadableError
from connectapp.providers.interfaces import Grant, IPaymentProvider
from connectapp.providers.tenants import Tenant
from connectapp.secret import Secret
from connectapp.vault import KeyRing

REVOKE = "revoke"  # the job that asks again until the provider has confirmed; its subject is the connected account


@dataclass(frozen=True)
class Unrevoked:
    """An account that is disconnected here and perhaps not at the provider; `owner` names who did it."""

    owner: Owner
    provider: str
    mode: str


@dataclass(frozen=True)
class Revocation:
    """What is to be taken back at the provider, as plain values between two transactions."""

    account_id: str
    external_id: str
    tenant: Tenant
    access_token: Secret | None
    refresh_token: Secret | None


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
            if link.status not in USED_STATES:
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

    def unrevoked(self, account_id: str) -> Unrevoked | None:
        """What is known of an account whose access is still to be taken back; None if it is not, or not any more."""
        with self.work.reading() as session:
            link = session.get(ConnectedAccount, account_id)
            if link is None or link.status != DISCONNECTING:
                return None
            ended = audit.records(session, subject(link.id), "account.disconnecting")
            owner = Owner(link.organizer_id, (ended and ended[0].user_id) or link.linked_by)
            return Unrevoked(owner, link.provider_account.provider, link.provider_account.mode)

    def revoke_unused(self, provider: IPaymentProvider, grant: Grant) -> None:
        """Take a grant back that is not going to be stored, unless a live link uses its account.

        Where the provider has no way for that, the grant is only forgotten.

        :param provider: at the tenant that gave it.
        :raises ProviderError: if the provider did not confirm.
        """
        with self.work.writing() as session:
            if AccountStore(session, self.ring).used(provider.name, grant.mode, grant.external_id, provider.tenant):
                return
        if provider.revocable:
            provider.revoke(grant.external_id, grant.access_token, grant.refresh_token)

    def revoke(self, provider: IPaymentProvider, revocation: Revocation | None, owner: Owner) -> str:
        """Ask the provider once, and note what came of it.

        :param revocation: what `mark_disconnecting` gave. :return: the state afterwards.
        """
        if revocation is None:
            return DISCONNECTED
        failure = None
        try:
            if provider.revocable:
                there = provider.at(revocation.tenant)
                there.revoke(revocation.external_id, revocation.access_token, revocation.refresh_token)
        except ProviderError as error:
            failure = error.code
        with self.work.writing() as session:
            store = AccountStore(session, self.ring)
            link = store.locked(revocation.account_id, owner.organizer_id)
            if failure:
                store.note(link, "account.revoke_failed", owner.user_id, code=failure)
            elif link.status != DISCONNECTED:
                if link.status in USED_STATES:  # linked again meanwhile: the provider has just cut that link too
                    self._announce_end(link)
                _close(store, link, owner, "account.disconnected" if provider.revocable else "account.forgotten")
            return link.status

    def _announce_end(self, link: ConnectedAccount) -> None:
        account = link.provider_account
        self.work.announce(AccountDisconnected(link.id, link.organizer_id, account.provider, account.mode))


def mark_disconnecting(store: AccountStore, link: ConnectedAccount, owner: Owner) -> Revocation | None:
    """Make the account unusable, in the caller's transaction; for `Lifecycle.revoke` after it, or else the job.

    :return: None if there is nothing to revoke, because another live link uses the provider account.
    """
    link.status, link.problem = DISCONNECTING, None
    link.version += 1
    store.note(link, "account.disconnecting", owner.user_id)
    revocation = _unless_used(store, link, owner)
    if revocation is not None:
        jobs.enqueue(store.session, REVOKE, link.id, utcnow() + jobs.FIRST_PAUSE)
    return revocation


def _unless_used(store: AccountStore, link: ConnectedAccount, owner: Owner) -> Revocation | None:
    """What to revoke; or None after ending the link, because another live one uses the provider account."""
    account = link.provider_account
    if store.used(account.provider, account.mode, account.external_id, link.tenant, besides=link.id):
        _close(store, link, owner)
        return None
    return _revocation(store, link)


def _revocation(store: AccountStore, link: ConnectedAccount) -> Revocation:
    try:
        tokens = store.tokens(link)
    except UnreadableError:
        tokens = None, None  # many providers revoke by account id alone; the others will say no
    return Revocation(link.id, link.provider_account.external_id, link.tenant, *tokens)


def _close(store: AccountStore, link: ConnectedAccount, owner: Owner, action: str = "account.disconnected") -> None:
    """Forget the credentials and end the link."""
    link.status = DISCONNECTED
    link.version += 1
    link.access_token = link.refresh_token = None
    link.disconnected_at = utcnow()
    store.note(link, action, owner.user_id)

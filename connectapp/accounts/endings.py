"""A link that does not work any more, though nobody ended it here: its organizer is told, and can connect it again.

The link keeps its place in events and everywhere else: connecting the same account again brings it back.
"""

from connectapp.accounts.announcements import AccountLosing, AccountLost
from connectapp.accounts.losses import DISCONNECTED_THERE
from connectapp.accounts.models import ACTIVE, RECONNECT_REQUIRED, ConnectedAccount
from connectapp.accounts.store import AccountStore
from connectapp.db import Work


def mark_lost(work: Work, store: AccountStore, link: ConnectedAccount, reason: str, **details: str) -> bool:
    """Note that a locked link does not work any more, in the caller's transaction; its owners are told, once.

    :param work: of that transaction.
    :param reason: a word of `losses.SENTENCES`; with ``disconnected_there`` its credentials are destroyed, for nobody
        can use them any more.
    :param details: plain words for the audit record. :return: whether it worked until now.
    """
    if link.status != ACTIVE:
        return False
    link.status, link.problem = RECONNECT_REQUIRED, reason
    link.version += 1
    if reason == DISCONNECTED_THERE:
        link.access_token = link.refresh_token = None
    account = link.provider_account
    store.note(link, "account.lost", reason=reason, **details)
    lost = AccountLost(link.id, link.organizer_id, account.provider, account.mode, reason)
    work.tell(AccountLosing(store, lost))
    work.announce(lost)
    return True

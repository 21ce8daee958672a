"""What an embedding application hears of, as Pyramid events, after the commit that made it so.

`AccountReplacing` and `AccountLosing` are for our own features: they come within the transaction.

::

    from connectapp.accounts.announcements import AccountLinked

    config.add_subscriber(on_linked, AccountLinked)

They carry ids and no credential. Each is delivered once by the process that committed the change; if that process dies
in between, it is not delivered at all: the database is the truth, and these are a hint to look.
"""

from dataclasses import dataclass

from connectapp.accounts.store import AccountStore, Owner


@dataclass(frozen=True)
class AccountLinked:
    """An account can be used: it was linked, or linked again.

    :param account_id: the connected account's. :param mode: ``test`` or ``live``.
    """

    account_id: str
    organizer_id: str
    provider: str
    mode: str


@dataclass(frozen=True)
class AccountReplaced:
    """An owner confirmed that one account takes the place of another. Comes with the two other announcements.

    :param old_account_id: can no longer be used. :param account_id: is to be used instead.
    """

    old_account_id: str
    account_id: str
    organizer_id: str
    provider: str
    mode: str


@dataclass(frozen=True)
class AccountDisconnected:
    """An account can no longer be used here, whether or not the provider has confirmed yet."""

    account_id: str
    organizer_id: str
    provider: str
    mode: str


@dataclass(frozen=True)
class AccountLost:
    """An account does not work any more until its organizer connects it again; nobody ended it here.

    :param reason: a word of `connectapp.accounts.losses.SENTENCES`.
    """

    account_id: str
    organizer_id: str
    provider: str
    mode: str
    reason: str


@dataclass(frozen=True)
class AccountLosing:
    """The same, in the open transaction. :param store: of that transaction."""

    store: AccountStore
    lost: AccountLost


@dataclass(frozen=True)
class AccountReplacing:
    """An owner confirmed a replacement; subscribers do their part of it in the open transaction.

    :param store: of that transaction. :param owner: who confirmed.
    """

    store: AccountStore
    old_account_id: str
    account_id: str
    owner: Owner

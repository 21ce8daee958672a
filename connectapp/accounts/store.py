"""Connected accounts in the database: link, find, show. Knows no provider and no request."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectapp import audit
from connectapp.accounts.grants import SECRETS
from connectapp.accounts.losses import sentence
from connectapp.accounts.models import ACTIVE, DISCONNECTED, LIVE_STATES, ConnectedAccount, ProviderAccount
from connectapp.db import insert, utcnow, uuid7
from connectapp.errors import RefusedError
from connectapp.organizers.models import User
from connectapp.providers.interfaces import Grant, Identity
from connectapp.providers.tenants import Tenant
from connectapp.secret import Secret
from connectapp.vault import Binding, KeyRing, get_vault


@dataclass(frozen=True)
class Owner:
    """On whose behalf something is stored."""

    organizer_id: str
    user_id: str


@dataclass(frozen=True)
class AccountView:
    """A connected account as pages show it: plain values, ids masked, no credential."""

    id: str
    provider_name: str
    display_name: str
    masked_id: str
    mode: str
    status: str
    country: str | None
    currency: str | None
    charges_enabled: bool | None
    scope: str
    proof: str
    linked_at: datetime
    linked_by: str
    tenant: Tenant = field(default_factory=dict)
    problem: str | None = None

    @property
    def path(self) -> str:
        return f"/accounts/{self.id}"

    def loss(self, provider_title: str) -> str:
        """Why it must be connected again, in the organizer's words."""
        return sentence(self.problem, provider_title) if self.problem else ""


def subject(account_id: str) -> str:
    """What the audit record calls a connected account."""
    return f"connected_account:{account_id}"


def masked(external_id: str) -> str:
    """Enough of an account's id to tell it from another: ``acct_…1234``."""
    head, separator, _ = external_id.partition("_")
    return f"{head if separator else ''}{separator}…{external_id[-4:]}"


class AccountStore:
    """The connected accounts, within one transaction of the caller.

    :param session: writes only in methods that say so. :param ring: seals and opens the credentials.
    """

    def __init__(self, session: Session, ring: KeyRing) -> None:
        self.session = session
        self.ring = ring

    def link(self, provider: str, grant: Grant, identity: Identity, owner: Owner, *, share: bool) -> str:
        """Store a verified grant; an organizer's live link to the same account gets the new credentials.

        :param share: whether an account may be linked by several organizers.
        :return: the connected account's id.
        :raises RefusedError: ``account_elsewhere``, if another organizer has it; ``other_tenant``, if it is linked with
            another tenant, whose account it would be taken for.
        """
        account = self._locked_provider_account(provider, grant.mode, identity)
        links = self._live_links(account.id)
        self._check_free(links, identity, owner.organizer_id, share=share)
        own = next((link for link in links if link.organizer_id == owner.organizer_id), None)
        link = own or ConnectedAccount(id=uuid7(), organizer_id=owner.organizer_id, provider_account=account, version=0)
        self._fill(link, grant, identity, owner)
        self.session.add(link)
        self.session.flush()
        action = "account.reconnected" if own else "account.linked"
        facts = {"provider": provider, "mode": grant.mode, "scope": grant.scope, "proof": identity.proof}
        self.note(link, action, owner.user_id, **facts)
        return link.id

    def note(self, link: ConnectedAccount, action: str, user_id: str | None = None, **details: str) -> None:
        """Add to the audit record what happened to a link. :param user_id: who did it, if a person did."""
        audit.record(
            self.session,
            action,
            subject(link.id),
            organizer_id=link.organizer_id,
            user_id=user_id,
            account=masked(link.provider_account.external_id),
            **details,
        )

    def check_free(self, provider: str, mode: str, identity: Identity, organizer_id: str, *, share: bool) -> None:
        """Refuse early what `link` would refuse.

        :raises RefusedError: see `link`.
        """
        account = self._locked_provider_account(provider, mode, identity)
        self._check_free(self._live_links(account.id), identity, organizer_id, share=share)

    def _check_free(self, links: list[ConnectedAccount], identity: Identity, organizer_id: str, *, share: bool) -> None:
        if not share and any(link.organizer_id != organizer_id for link in links):
            raise RefusedError("account_elsewhere")
        if any(link.tenant != identity.tenant for link in links):
            raise RefusedError("other_tenant")

    def is_account(self, account_id: str, provider: str, external_id: str) -> bool:
        """Whether the connected account is a link to this very account at the provider."""
        link = self.session.get_one(ConnectedAccount, account_id)
        account = link.provider_account
        return (account.provider, account.external_id) == (provider, external_id)

    def _fill(self, link: ConnectedAccount, grant: Grant, identity: Identity, owner: Owner) -> None:
        link.status, link.problem = ACTIVE, None
        link.scope, link.token_type = grant.scope, grant.token_type
        link.publishable_key, link.expires_at = grant.publishable_key, grant.expires_at
        link.proof, link.linked_by, link.linked_at = identity.proof, owner.user_id, utcnow()
        link.tenant = dict(identity.tenant)
        link.version += 1
        for name in SECRETS:
            token: Secret | None = getattr(grant, name)
            setattr(link, name, None if token is None else self.ring.seal(token, binding(link, name)))

    def _locked_provider_account(self, provider: str, mode: str, identity: Identity) -> ProviderAccount:
        """The provider account's row, made if need be, locked until the end of the transaction."""
        key = {"provider": provider, "mode": mode, "external_id": identity.external_id}
        facts = {
            "display_name": identity.display_name,
            "country": identity.country,
            "currency": identity.currency,
            "charges_enabled": identity.charges_enabled,
            "checked_at": utcnow(),
        }
        self.session.execute(
            insert(self.session, ProviderAccount)
            .values(id=uuid7(), **key, **facts)
            .on_conflict_do_update(index_elements=list(key), set_=facts)
        )
        return self.session.scalars(select(ProviderAccount).filter_by(**key).with_for_update()).one()

    def _live_links(self, provider_account_id: str) -> list[ConnectedAccount]:
        query = select(ConnectedAccount).where(
            ConnectedAccount.provider_account_id == provider_account_id,
            ConnectedAccount.status.in_(LIVE_STATES),
        )
        return list(self.session.scalars(query))

    def used(
        self, provider: str, mode: str, external_id: str | None, tenant: Tenant, *, besides: str | None = None
    ) -> bool:
        """Whether a live link uses the provider account at this tenant: then revoking would cut that link off.

        :param besides: the id of a link that does not count.
        """
        account = self.session.scalars(
            select(ProviderAccount).filter_by(provider=provider, mode=mode, external_id=external_id).with_for_update()
        ).one_or_none()
        links = [] if account is None else self._live_links(account.id)
        return any(link.id != besides and link.tenant == tenant for link in links)

    def locked(self, account_id: str, organizer_id: str) -> ConnectedAccount:
        """An organizer's connected account, locked for a change.

        :raises KeyError: if the organizer has none of that id.
        """
        found = self.session.scalars(
            select(ConnectedAccount)
            .filter_by(id=account_id, organizer_id=organizer_id)
            .with_for_update(of=ConnectedAccount)
        ).one_or_none()
        if found is None:
            raise KeyError(account_id)
        return found

    def view(self, account_id: str, organizer_id: str) -> AccountView:
        """One account of the organizer, disconnected ones too.

        :raises KeyError: if the organizer has none of that id.
        """
        found = self._views(ConnectedAccount.id == account_id, ConnectedAccount.organizer_id == organizer_id)
        if not found:
            raise KeyError(account_id)
        return found[0]

    def views(self, organizer_id: str) -> list[AccountView]:
        """The organizer's accounts that are not disconnected, the latest first."""
        return self._views(ConnectedAccount.organizer_id == organizer_id, ConnectedAccount.status != DISCONNECTED)

    def by_id(self, account_ids: Collection[str]) -> dict[str, AccountView]:
        """Accounts by their ids, whosever they are: for what is paid into them."""
        if not account_ids:
            return {}
        return {view.id: view for view in self._views(ConnectedAccount.id.in_(account_ids))}

    def _views(self, *conditions: Any) -> list[AccountView]:
        rows = self.session.execute(
            select(ConnectedAccount, User.email)
            .join(User, User.id == ConnectedAccount.linked_by)
            .where(*conditions)
            .order_by(ConnectedAccount.linked_at.desc())
        )
        return [_view(link, email) for link, email in rows]

    def access_token(self, link: ConnectedAccount) -> Secret | None:
        """The account's own token, if it is kept.

        :raises UnreadableError: if it was altered or moved.
        """
        return self._opened(link, "access_token")

    def tokens(self, link: ConnectedAccount) -> tuple[Secret | None, Secret | None]:
        """The account's access token and refresh token; see `access_token`."""
        return self._opened(link, "access_token"), self._opened(link, "refresh_token")

    def _opened(self, link: ConnectedAccount, field: str) -> Secret | None:
        sealed: bytes | None = getattr(link, field)
        return None if sealed is None else self.ring.open(sealed, binding(link, field))


def binding(link: ConnectedAccount, field: str) -> Binding:
    """Where a credential of this link opens, and nowhere else."""
    account = link.provider_account
    return Binding("connected_account", link.id, link.organizer_id, account.provider, account.mode, field)


def _view(link: ConnectedAccount, email: str) -> AccountView:
    account = link.provider_account
    return AccountView(
        id=link.id,
        provider_name=account.provider,
        display_name=account.display_name,
        masked_id=masked(account.external_id),
        mode=account.mode,
        status=link.status,
        country=account.country,
        currency=account.currency,
        charges_enabled=account.charges_enabled,
        scope=link.scope,
        proof=link.proof,
        linked_at=link.linked_at,
        linked_by=email,
        tenant=link.tenant,
        problem=link.problem,
    )


def _request_store(request: Any) -> AccountStore:
    return AccountStore(request.dbsession, get_vault(request.registry))


def includeme(config: Any) -> None:
    config.add_request_method(_request_store, "account_store", reify=True)

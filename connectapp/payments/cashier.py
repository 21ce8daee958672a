"""Test payments: the row is committed first, then the provider is asked once, then the outcome is stored.

A payment whose outcome is unknown stays pending. Asking again sends the same idempotency key, so that there is never a
second payment.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from connectapp import audit, money
from connectapp.accounts.models import ACTIVE
from connectapp.accounts.store import AccountStore, Owner
from connectapp.db import Work, utcnow, uuid7
from connectapp.errors import (
    GrantRefusedError,
    NotSentError,
    OutcomeUnknownError,
    ProviderError,
    RefusedError,
)
from connectapp.payments.models import FAILED, PENDING, SUCCEEDED, Payment
from connectapp.providers.capabilities import ITakesTestPayments, PaymentResult
from connectapp.secret import Secret
from connectapp.vault import KeyRing

log = logging.getLogger(__name__)

MOST_PER_HOUR = 20  # per account: a button that costs nothing is still a way to bother the provider


@dataclass(frozen=True)
class Order:
    """What is sent to the provider, as plain values between two transactions."""

    id: str
    external_id: str
    access_token: Secret | None
    amount: int
    currency: str


@dataclass(frozen=True)
class PaymentView:
    """A payment as pages show it. `amount` is as people write it: ``€1.00``, ``¥100``."""

    id: str
    amount: str
    status: str
    reason: str | None
    external_id: str | None
    created_at: datetime


def views(session: Session, account_id: str, organizer_id: str, payment_id: str | None = None) -> list[PaymentView]:
    """The payments of an organizer's account, the newest first; or the one of that id."""
    query = select(Payment).filter_by(account_id=account_id, organizer_id=organizer_id)
    if payment_id is not None:
        query = query.filter_by(id=payment_id)
    rows = session.scalars(query.order_by(Payment.id.desc()).limit(10))
    return [
        PaymentView(
            row.id, money.shown(row.amount, row.currency), row.status, row.reason, row.external_id, row.created_at
        )
        for row in rows
    ]


class Cashier:
    """Makes test payments with organizers' credentials; no database connection is held while the provider is asked."""

    def __init__(self, work: Work, ring: KeyRing) -> None:
        self.work = work
        self.ring = ring

    def pay(self, provider: ITakesTestPayments, account_id: str, owner: Owner) -> str:
        """Make a test payment of about one unit of the account's currency.

        :return: the payment's id.
        :raises RefusedError: ``no_currency``, ``account_not_active`` or ``too_many_payments``.
        :raises KeyError: if the organizer has no such account.
        """
        with self.work.writing() as session:
            order = self._order(session, provider, account_id, owner)
        self._send(provider, order, owner)
        return order.id

    def check(self, provider: ITakesTestPayments, account_id: str, payment_id: str, owner: Owner) -> None:
        """Ask what became of a pending payment: the same request with the same key.

        :raises KeyError: if the account has no such payment.
        """
        with self.work.writing() as session:
            store = AccountStore(session, self.ring)
            link = store.locked(account_id, owner.organizer_id)
            payment = session.get(Payment, payment_id)
            if payment is None or payment.account_id != account_id:
                raise KeyError(payment_id)
            if payment.status != PENDING:
                return
            external_id, token = link.provider_account.external_id, store.access_token(link)
            order = Order(payment_id, external_id, token, payment.amount, payment.currency)
        self._send(provider, order, owner)

    def _order(self, session: Session, provider: ITakesTestPayments, account_id: str, owner: Owner) -> Order:
        store = AccountStore(session, self.ring)
        link = store.locked(account_id, owner.organizer_id)
        currency = link.provider_account.currency
        if link.status != ACTIVE:
            raise RefusedError("account_not_active")
        if currency is None:
            raise RefusedError("no_currency")
        recent = select(func.count()).where(
            Payment.account_id == account_id, Payment.created_at > utcnow() - timedelta(hours=1)
        )
        if (session.scalar(recent) or 0) >= MOST_PER_HOUR:
            raise RefusedError("too_many_payments")
        payment = Payment(
            id=uuid7(),
            account_id=account_id,
            organizer_id=owner.organizer_id,
            amount=provider.test_amount(currency),
            currency=currency,
            made_by=owner.user_id,
        )
        session.add(payment)
        _note(session, payment, owner, "payment.begun")
        token = store.access_token(link)
        return Order(payment.id, link.provider_account.external_id, token, payment.amount, currency)

    def _send(self, provider: ITakesTestPayments, order: Order, owner: Owner) -> None:
        try:
            result = provider.pay_test(
                external_id=order.external_id,
                access_token=order.access_token,
                amount=order.amount,
                currency=order.currency,
                idempotency_key=order.id,
            )
        except OutcomeUnknownError as error:
            log.warning("payment %s: the outcome is unknown (%s)", order.id, error.code)
            return
        except NotSentError:
            result = PaymentResult(succeeded=False, external_id=None, reason="provider_unreachable")
        except GrantRefusedError as error:
            result = PaymentResult(succeeded=False, external_id=None, reason=error.code)
        except ProviderError as error:
            log.warning("payment %s: an answer that cannot be used (%s)", order.id, error.code)
            return
        self._store(order.id, result, owner)

    def _store(self, payment_id: str, result: PaymentResult, owner: Owner) -> None:
        with self.work.writing() as session:
            payment = session.scalars(select(Payment).filter_by(id=payment_id).with_for_update()).one()
            if payment.status != PENDING:
                return
            payment.status = SUCCEEDED if result.succeeded else FAILED
            payment.reason, payment.external_id = result.reason, result.external_id
            _note(session, payment, owner, f"payment.{payment.status}")


def _note(session: Session, payment: Payment, owner: Owner, action: str) -> None:
    audit.record(
        session,
        action,
        f"payment:{payment.id}",
        organizer_id=owner.organizer_id,
        user_id=owner.user_id,
        account=payment.account_id,
        amount=str(payment.amount),
        currency=payment.currency,
        reason=payment.reason,
    )


def _request_payments(request: Any, account_id: str, payment_id: str | None = None) -> list[PaymentView]:
    return views(request.dbsession, account_id, request.actor.organizer_id, payment_id)


def includeme(config: Any) -> None:
    config.add_request_method(_request_payments, "payments_of")

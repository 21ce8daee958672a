"""Send a test payment, and see what became of it."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from connectapp.accounts.store import Owner
from connectapp.errors import RefusedError
from connectapp.payments.cashier import Cashier
from connectapp.providers.capabilities import ITakesTestPayments
from connectapp.resources import AccountContext, PaymentContext
from connectapp.security import Permission
from connectapp.vault import get_vault

# Our own sentences for what became of a payment, by its reason or else its status.
OUTCOMES = {
    "succeeded": ("The payment arrived", "It stands in the account at {provider}. No real money moved."),
    "pending": (
        "We do not know yet",
        "{provider} gave no clear answer. Check again: it cannot be paid twice by that.",
    ),
    "declined": ("The card was declined", "{provider} reached the account but declined its own test card."),
    "provider_unreachable": (
        "{provider} cannot be reached right now",
        "Nothing was sent. Try another test payment in a few minutes.",
    ),
    "payment_refused": (
        "{provider} did not take the payment",
        "The account may not be able to take payments yet: look at what {provider} still asks for there.",
    ),
    "no_token": (
        "The account's own key is not kept",
        "The platform pays with the account's key, and this account has none. Connect it again.",
    ),
    "live_mode": ("Not in live mode", "Test payments are made in test mode only."),
}


def _provider(context: AccountContext | PaymentContext) -> ITakesTestPayments:
    provider: Any = context.provider
    if not isinstance(provider, ITakesTestPayments) or context.account.mode != "test":
        raise RefusedError("no_test_payments")
    return provider


def _owner(request: Any) -> Owner:
    return Owner(request.actor.organizer_id, request.actor.user_id)


@view_config(context=AccountContext, name="test-payment", permission=Permission.PAY, request_method="POST")
def send(context: AccountContext, request: Any) -> Any:
    """One unit of the account's currency, with the provider's test card."""
    provider, cashier = _provider(context), Cashier(request.work, get_vault(request.registry))
    try:
        payment_id = cashier.pay(provider, context.account.id, _owner(request))
    finally:
        request.work.resume()
    return HTTPSeeOther(f"{context.account.path}/payments/{payment_id}")


@view_config(
    context=PaymentContext,
    permission=Permission.VIEW_ACCOUNTS,
    request_method="GET",
    renderer="payment.jinja2",
)
def payment(context: PaymentContext, request: Any) -> dict[str, Any]:
    """What became of it."""
    shown, account = context.payment, context.account
    provider = context.provider.title if context.provider else account.provider_name
    heading, sentence = OUTCOMES[shown.reason or shown.status]
    return {
        "account": account,
        "payment": shown,
        "provider_title": provider,
        "heading": heading.format(provider=provider),
        "sentence": sentence.format(provider=provider),
        "may_pay": request.actor.role == "owner",
    }


@view_config(context=PaymentContext, name="check", permission=Permission.PAY, request_method="POST")
def check(context: PaymentContext, request: Any) -> Any:
    """Ask again for the outcome of a pending payment."""
    provider, cashier = _provider(context), Cashier(request.work, get_vault(request.registry))
    try:
        cashier.check(provider, context.account.id, context.payment.id, _owner(request))
    except KeyError:
        raise HTTPNotFound from None
    finally:
        request.work.resume()
    return HTTPSeeOther(f"{context.account.path}/payments/{context.payment.id}")


def includeme(config: Any) -> None:
    config.scan(__name__)

"""Where an event's money goes, and what keeps it from going there."""

from collections.abc import Mapping

from connectapp.accounts.models import ACTIVE, RECONNECT_REQUIRED
from connectapp.accounts.store import AccountView
from connectapp.providers.interfaces import IPaymentProvider, title_of

Providers = Mapping[str, IPaymentProvider]

SENTENCES = {
    "missing": "Choose the account that the ticket money goes to.",
    "not_active": "This account is not connected any more. Choose another one, or connect it again.",
    "lost": "{loss} Connect it again on its page.",
    "not_configured": "{provider} is not set up on this platform at present. Choose another account.",
    "no_tickets": "{provider} takes no payments for tickets. Choose an account of another provider.",
    "no_charges": "{provider} does not let this account take payments yet. Finish its set-up at {provider}.",
    "currency": "This account cannot take {currency}. Choose another account, or another currency.",
    "too_low": "{provider} does not take so small an amount. Set a higher price.",
    "not_rounded": "{provider} cannot charge this amount exactly. Round the price.",
}
# What the account's own state is to blame for: sales pause, and the event itself can still be changed.
PAUSES = {"missing", "not_active", "lost", "not_configured", "no_charges"}


def problem(price: int | None, currency: str | None, payee: AccountView | None, providers: Providers) -> str | None:
    """Why tickets of this price cannot be paid into the account, as a word of `SENTENCES`; None if they can.

    :param price: in minor units of `currency` (capitals). Nothing is needed for what is free of charge.
    """
    if not price or currency is None:
        return None
    if payee is None:
        return "missing"
    word = obstacle(payee, providers)
    if word:
        return word
    if payee.charges_enabled is False:
        return "no_charges"
    return providers[payee.provider_name].price_problem(price, currency.lower(), payee.currency)


def obstacle(payee: AccountView, providers: Providers) -> str | None:
    """Why no tickets at all can be paid into the account here: it need not be offered; a word of `SENTENCES`."""
    if payee.status != ACTIVE:
        return "lost" if payee.status == RECONNECT_REQUIRED else "not_active"
    provider = providers.get(payee.provider_name)
    if provider is None or provider.mode != payee.mode:
        return "not_configured"
    return None if provider.charges else "no_tickets"


def sentence(word: str, currency: str | None, payee: AccountView | None, providers: Providers) -> str:
    """The problem in the organizer's words."""
    title = title_of(payee.provider_name, providers) if payee else ""
    loss = payee.loss(title) if payee else ""
    return SENTENCES[word].format(provider=title, loss=loss, currency=currency)

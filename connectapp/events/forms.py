"""The event form as a page, and what of it only the database can tell: who may choose which payee."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.renderers import render_to_response

from connectapp import money
from connectapp.accounts.models import ACTIVE
from connectapp.accounts.store import AccountView, Owner
from connectapp.connect.attempts import Attempt, Status
from connectapp.db import uuid7
from connectapp.events import fields, payees
from connectapp.events.fields import Problems, Typed, Values
from connectapp.events.models import PUBLISHED
from connectapp.events.store import EventView
from connectapp.layout import ProviderLink, provider_link
from connectapp.providers.interfaces import IPaymentProvider

CONNECTED = "{provider} is connected, and chosen below. Save the event to keep it."
LEFT = "This is the form as it was left for the payment provider. It is not saved yet."


def owner_of(request: Any) -> Owner:
    """On whose behalf this request changes something."""
    return Owner(request.actor.organizer_id, request.actor.user_id)


@dataclass
class EventForm:
    """One showing of the form.

    :param event: None for a new one.
    """

    request: Any
    providers: Mapping[str, IPaymentProvider]
    event: EventView | None = None

    def __post_init__(self) -> None:
        self.may_choose = self.request.actor.role == "owner"
        self.accounts: dict[str, AccountView] = {
            view.id: view
            for view in self.request.account_store.views(self.request.actor.organizer_id)
            if view.status == ACTIVE
        }
        if self.event and self.event.payee:  # the one that it has stays on the list, also where it is dead
            self.accounts.setdefault(self.event.payee.id, self.event.payee)

    def check(self, typed: Typed) -> tuple[Values, Problems]:
        """What the form means, with a sentence for each field that is wrong."""
        values, problems = fields.check(typed)
        self._check_payee(values, problems)
        if self.event and self.event.status == PUBLISHED:
            problems = fields.complete(values, None) | problems
            word = None if problems else self.payee_problem(values)
            unchanged = values.payee_id == self.event.values.payee_id
            if word and not (word in payees.PAUSES and unchanged):
                problems["payee"] = self.sentence(word, values)
        return values, problems

    def _check_payee(self, values: Values, problems: Problems) -> None:
        stored = self.event.values.payee_id if self.event else None
        if not self.may_choose:
            if values.payee_id not in {None, stored}:
                problems["payee"] = "Only an owner of the organizer chooses where the money goes."
            values.payee_id = stored
        elif values.payee_id is not None and values.payee_id not in self.accounts:
            problems["payee"] = "Choose one of your connected accounts."

    def payee_problem(self, values: Values) -> str | None:
        """Why tickets cannot be paid into the chosen account; a word of `payees.SENTENCES`."""
        return payees.problem(values.price, values.currency, self.accounts.get(values.payee_id or ""), self.providers)

    def sentence(self, word: str, values: Values) -> str:
        """The same for the organizer."""
        return payees.sentence(word, values.currency, self.accounts.get(values.payee_id or ""), self.providers)

    def publishing_problems(self, values: Values, now: Any) -> Problems:
        """What is missing or wrong before the event can be published."""
        problems = fields.complete(values, now)
        word = self.payee_problem(values)
        return problems | ({"payee": self.sentence(word, values)} if word else {})

    def first_texts(self) -> dict[str, str]:
        """What the form shows when it is opened: the draft that was left, or what is stored, or good guesses."""
        if self.event is None:
            return self._guesses()
        if self.event.draft is None:
            return fields.texts_of(self.event.values)
        linked = self._linked()
        return self.event.draft.texts | ({"payee": linked} if linked and self.may_choose else {})

    def _guesses(self) -> dict[str, str]:
        """As for the latest event; the account if there is only one."""
        events = self.request.event_store.views(self.request.actor.organizer_id)
        latest = max(events, key=lambda event: event.id).values if events else Values()
        only = next(iter(self.accounts.values())) if len(self.accounts) == 1 else None
        currency = latest.currency or (only.currency.upper() if only and only.currency else "")
        guess = Values(time_zone=latest.time_zone, currency=currency, payee_id=only.id if only else None)
        return fields.texts_of(guess)

    def _linked(self) -> str | None:
        """The account that came of the connection that was begun from this form."""
        draft = self.event.draft if self.event else None
        attempt = self.request.dbsession.get(Attempt, draft.attempt_id) if draft and draft.attempt_id else None
        if attempt is None or attempt.status != Status.LINKED or attempt.account_id not in self.accounts:
            return None
        account_id: str = attempt.account_id
        return account_id

    def page(
        self, texts: Mapping[str, str], problems: Problems | None = None, notice: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """The variables of the template."""
        event = self.event
        return {
            "event": event,
            "event_id": event.id if event else more.get("event_id") or uuid7(),
            "version": event.version if event else 0,
            "texts": texts,
            "problems": problems or {},
            "notice": notice or self._notice(),
            "accounts": list(self.accounts.values()),
            "providers": self._buttons(),
            "titles": {one.name: one.title for one in self.providers.values()},
            "currencies": money.currencies(),
            "zones": fields.time_zones(),
            "longest": fields.LONGEST,
            "may_choose": self.may_choose,
        }

    def _buttons(self) -> list[tuple[ProviderLink, bool]]:
        """The providers to connect with, and whether that replaces the event's account; those that take money."""
        offered = [one for one in self.providers.values() if one.charges]
        return [(provider_link(one), self.replaced_by(one) is not None) for one in offered]

    def again(
        self, status: int, texts: Mapping[str, str], notice: str, problems: Problems | None = None, **more: Any
    ) -> Any:
        """The form once more, as the answer to something that was not done."""
        page = self.page(texts, problems, notice, **more)
        response = render_to_response("event_form.jinja2", page, self.request)
        response.status_int = status
        return response

    def _notice(self) -> str | None:
        if self.event is None or self.event.draft is None:
            return None
        linked = self._linked()
        account = self.accounts.get(linked or "")
        provider = self.providers.get(account.provider_name) if account else None
        return CONNECTED.format(provider=provider.title) if provider and self.may_choose else LEFT

    def replaced_by(self, provider: IPaymentProvider) -> str | None:
        """The account that a connection from this form takes the place of: the event has that provider already."""
        payee = self.event.payee if self.event else None
        if payee is None or payee.status != ACTIVE or payee.provider_name != provider.name:
            return None
        return payee.id

"""The event form as a page, and what of it only the database can tell: which accounts there are to choose from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.renderers import render_to_response

from connectapp import countries, money, offers
from connectapp.accounts.models import USED_STATES
from connectapp.accounts.store import Owner
from connectapp.connect.attempts import Attempt, Status
from connectapp.db import uuid7
from connectapp.events import fields, payees
from connectapp.events.choice import Choice
from connectapp.events.fields import Problems, Typed, Values
from connectapp.events.models import PUBLISHED
from connectapp.events.store import Draft, EventView
from connectapp.offers import Offers
from connectapp.providers.interfaces import IPaymentProvider, title_of

CONNECTED = "{provider} is connected, and chosen below. Save the event to keep it."
FULL = (
    "{provider} is connected, and not chosen: all places below are taken. To offer it to buyers, choose it in the "
    "place of another account."
)
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
        self.payees = self.event.payees if self.event else ()
        accounts = {
            view.id: view
            for view in self.request.account_store.views(self.request.actor.organizer_id)
            if payees.obstacle(view, self.providers) is None
        }
        for payee in self.payees:
            accounts.setdefault(payee.id, payee)
        may_choose = self.request.actor.role == "owner"
        self.choice = Choice(accounts, tuple(payee.id for payee in self.payees), may_choose, self.providers)

    def check(self, typed: Typed) -> tuple[Values, Problems]:
        """What the form means, with a sentence for each field that is wrong."""
        values, problems = fields.check(typed)
        self.choice.check(values, typed.texts, problems)
        if self.event and self.event.status == PUBLISHED:
            problems = fields.complete(values, None) | problems
            problems = problems or self.choice.published_problems(values, typed.texts)
        return values, problems

    def publishing_problems(self, values: Values, now: Any) -> Problems:
        """What is missing or wrong before the event can be published."""
        return fields.complete(values, now) | self.choice.publishing_problems(values)

    def first_texts(self) -> dict[str, str]:
        """What the form shows when it is opened: the draft that was left, or what is stored, or good guesses."""
        if self.event is None:
            return self._guesses()
        if self.event.draft is None:
            return fields.texts_of(self.event.values)
        return self._left(self.event.draft)[0]

    def _guesses(self) -> dict[str, str]:
        """As for the latest event; the account if there is only one."""
        events = self.request.event_store.views(self.request.actor.organizer_id)
        latest = max(events, key=lambda event: event.id).values if events else Values()
        accounts = list(self.choice.accounts.values())
        only = accounts[0] if len(accounts) == 1 else None
        currency = latest.currency or (only.currency.upper() if only and only.currency else "")
        guess = Values(time_zone=latest.time_zone, currency=currency, payee_ids=(only.id,) if only else ())
        return fields.texts_of(guess)

    def _left(self, draft: Draft) -> tuple[dict[str, str], str]:
        """The form as it was left, with the account that came of leaving chosen in it; and what to say of that."""
        texts = dict.fromkeys(fields.FIELDS, "") | draft.texts
        attempt = self.request.dbsession.get(Attempt, draft.attempt_id) if draft.attempt_id else None
        linked = attempt.account_id if attempt and attempt.status == Status.LINKED else None
        account = self.choice.accounts.get(linked or "")
        if attempt is None or account is None or not self.choice.may_choose:
            return texts, LEFT
        provider = title_of(account.provider_name, self.providers)
        box = self.choice.box_for(account, attempt.replaces_id, texts)
        if box is None:
            return texts, FULL.format(provider=provider)
        return texts | {box: account.id}, CONNECTED.format(provider=provider)

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
            "accounts": list(self.choice.accounts.values()),
            "boxes": self.choice.shown_boxes(texts, problems or {}),
            "offers": self._offers(texts, more.get("find", "")),
            "replaced": [one.name for one in self.providers.values() if self.replaced_by(one)],
            "titles": {one.name: one.title for one in self.providers.values()},
            "currencies": money.currencies(),
            "zones": fields.time_zones(),
            "longest": fields.LONGEST,
            "may_choose": self.choice.may_choose,
        }

    def _offers(self, texts: Mapping[str, str], find: str) -> Offers:
        """The providers to connect with: those that take money for tickets, for where the event seems to be."""
        country = next((one.country for one in self.choice.accounts.values() if one.country), None)
        place = offers.guess(self.request, country or countries.of_time_zone(texts["time_zone"]), texts["currency"])
        return offers.arrange((one for one in self.providers.values() if one.charges), place, find)

    def again(
        self, status: int, texts: Mapping[str, str], notice: str | None, problems: Problems | None = None, **more: Any
    ) -> Any:
        """The form once more, as the answer to something that was not done, or only to a search."""
        page = self.page(texts, problems, notice, **more)
        response = render_to_response("event_form.jinja2", page, self.request)
        response.status_int = status
        return response

    def _notice(self) -> str | None:
        return self._left(self.event.draft)[1] if self.event and self.event.draft else None

    def replaced_by(self, provider: IPaymentProvider) -> str | None:
        """The account that a connection from this form takes the place of: the event has that provider already."""
        same = (one.id for one in self.payees if one.status in USED_STATES and one.provider_name == provider.name)
        return next(same, None)

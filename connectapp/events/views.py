"""The pages of events: list, look, make, change."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from connectapp import forms
from connectapp.accounts.uses import Use, add_uses
from connectapp.connect.leaving import begin, leave
from connectapp.db import is_id
from connectapp.errors import RefusedError
from connectapp.events import fields, payees, showing
from connectapp.events.forms import EventForm, owner_of
from connectapp.events.models import CANCELLED, PUBLISHED
from connectapp.events.store import UNTITLED, EventStore, EventView
from connectapp.resources import EventContext, Events
from connectapp.security import Permission

CHANGED = (
    "Somebody saved this event while you were at it. What you typed is still here: look at the event in another tab, "
    "then save again if yours is right."
)
WRONG = "It is not saved yet: please look at the marked fields."
TOO_MANY = (
    "Several connections of this organizer are still waiting for an answer. Finish one of them, or wait until they run "
    "out. What you typed is still here, and not saved yet."
)
TOO_OFTEN = "Too many connections were begun within an hour. What you typed is still here, and not saved yet."
DOWN = (
    "The provider does not answer at present. Try again in a minute. What you typed is still here, and not saved yet."
)
NO_LINK = (
    "The provider did not let us begin. This is the platform's fault and not yours: tell its support the reference at "
    "the end of this page. What you typed is still here, and not saved yet."
)
NOT_LEFT = {
    "too_many_attempts": (429, TOO_MANY),
    "too_many_starts": (429, TOO_OFTEN),
    "provider_down": (503, DOWN),
    "provider_unreachable": (503, DOWN),
    "no_link": (503, NO_LINK),
}


@view_config(context=Events, permission=Permission.EDIT_EVENTS, request_method="GET", renderer="events.jinja2")
def events(context: Events, request: Any) -> dict[str, Any]:
    """All events of the organizer."""
    found = request.event_store.views(request.actor.organizer_id)
    return {"events": [showing.shown(event, context.providers) for event in found]}


@view_config(context=EventContext, permission=Permission.VIEW_EVENTS, request_method="GET", renderer="event.jinja2")
def event(context: EventContext, request: Any) -> dict[str, Any]:
    """One event, as everybody sees it once it is published; its own people also see what they can do."""
    actor = request.actor
    own = actor is not None and actor.organizer_id == context.event.organizer_id
    return {
        "event": showing.shown(context.event, context.providers),
        "may_edit": own,
        "may_publish": own and actor.role == "owner",
    }


@view_config(
    context=Events, name="new", permission=Permission.EDIT_EVENTS, request_method="GET", renderer="event_form.jinja2"
)
@view_config(
    context=EventContext,
    name="edit",
    permission=Permission.EDIT_EVENTS,
    request_method="GET",
    renderer="event_form.jinja2",
)
def form(context: Events | EventContext, request: Any) -> Any:
    """The form; as it was left, if it was left for a provider."""
    shown = _form(context, request)
    if shown.event and shown.event.status == CANCELLED:
        return HTTPSeeOther(shown.event.path)
    return shown.page(shown.first_texts())


def _form(context: Events | EventContext, request: Any) -> EventForm:
    return EventForm(request, context.providers, getattr(context, "event", None))


def _event_id(request: Any) -> str:
    """A new event's id comes with the form, so that sending it twice makes one event."""
    event_id = forms.text(request, "event")
    if not is_id(event_id):
        raise RefusedError("unknown_field")
    return event_id


def _add(request: Any, event_id: str, title: str) -> None:
    try:
        request.event_store.add(event_id, owner_of(request), title)
    except KeyError:
        raise HTTPNotFound from None  # it is another organizer's


@view_config(context=Events, name="new", permission=Permission.EDIT_EVENTS, request_method="POST")
@view_config(context=EventContext, name="edit", permission=Permission.EDIT_EVENTS, request_method="POST")
def save(context: Events | EventContext, request: Any) -> Any:
    """Store what was typed, or show it again with what is wrong, or with the providers that were searched for."""
    typed, shown = fields.read(request), _form(context, request)
    find = forms.text(request, "find", "").strip()
    if "search" in request.POST or ("enter" in request.POST and find):  # the key Enter may have been meant for that
        return _again(shown, typed, 200, None, find=find)
    values, problems = shown.check(typed)
    if problems:
        return _again(shown, typed, 400, WRONG, problems)
    store: EventStore = request.event_store
    event_id = shown.event.id if shown.event else _event_id(request)
    try:
        if shown.event is None:
            _add(request, event_id, values.title)
        store.save(event_id, owner_of(request), values, _version(request))
    except RefusedError as error:
        if error.reason != "event_changed":
            raise
        current = store.view(event_id, request.actor.organizer_id)
        if current.values != values:
            return _again(EventForm(request, context.providers, current), typed, 409, CHANGED)
    return HTTPSeeOther(f"/events/{event_id}")


def _version(request: Any) -> int:
    text = forms.text(request, "version")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RefusedError("unknown_field")
    return int(text)


def _again(
    shown: EventForm,
    typed: fields.Typed,
    status: int,
    notice: str | None,
    problems: fields.Problems | None = None,
    find: str = "",
) -> Any:
    """The form once more with everything that was typed."""
    event_id = shown.event.id if shown.event else _event_id(shown.request)
    return shown.again(status, typed.texts, notice, problems, event_id=event_id, find=find)


@view_config(
    context=Events,
    name="new",
    permission=Permission.CONNECT,
    request_method="POST",
    request_param="connect",
    fresh=True,
)
@view_config(
    context=EventContext,
    name="edit",
    permission=Permission.CONNECT,
    request_method="POST",
    request_param="connect",
    fresh=True,
)
def connect(context: Events | EventContext, request: Any) -> Any:
    """Keep the form as it is, valid or not, and leave for the provider."""
    provider = context.providers.get(forms.text(request, "connect"))
    if provider is None or not provider.charges:
        raise RefusedError("unknown_field")
    typed, shown = fields.read(request), _form(context, request)
    if shown.event and shown.event.status == CANCELLED:
        raise RefusedError("event_cancelled")
    event_id = shown.event.id if shown.event else _event_id(request)
    try:
        leaving = begin(request, provider, target=event_id, replaces_id=shown.replaced_by(provider))
        if shown.event is None:
            title = fields.check(typed)[0].title
            _add(request, event_id, title or UNTITLED)
        request.event_store.keep_draft(event_id, owner_of(request), dict(typed.texts), leaving.attempt_id)
        return leave(request, provider, leaving)
    except RefusedError as error:
        if error.reason not in NOT_LEFT:
            raise
        status, notice = NOT_LEFT[error.reason]
        return _again(shown, typed, status, notice)


@view_config(
    context=EventContext,
    name="edit",
    permission=Permission.EDIT_EVENTS,
    request_method="POST",
    request_param="discard",
)
def discard(context: EventContext, request: Any) -> Any:
    """Forget a form that was left, and show what is stored."""
    request.event_store.discard_draft(context.event.id, owner_of(request))
    return HTTPSeeOther(f"{context.event.path}/edit")


def _uses(request: Any, account_id: str) -> list[Use]:
    """For the account's own pages: which events are paid into it, and which of those sell nothing without it."""
    found: list[EventView] = request.event_store.paid_to(account_id, request.actor.organizer_id)
    providers = request.context.providers
    return [Use(one.values.title, one.path, live=_needs(one, account_id, providers)) for one in found]


def _needs(event: EventView, account_id: str, providers: payees.Providers) -> bool:
    """Whether tickets are sold that nobody can buy without the account."""
    price, currency = event.values.price, event.values.currency
    others = [one for one in event.payees if one.id != account_id]
    sells = event.status == PUBLISHED and bool(price)
    return sells and all(payees.problem(price, currency, one, providers) for one in others)


def includeme(config: Any) -> None:
    add_uses(config, _uses)
    config.scan(__name__)

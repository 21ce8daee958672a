"""Publish and cancel an event: its owners' decisions."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from connectapp.accounts.announcements import AccountReplacing
from connectapp.accounts.store import AccountStore
from connectapp.db import utcnow
from connectapp.errors import RefusedError
from connectapp.events import fields, showing
from connectapp.events.forms import EventForm, owner_of
from connectapp.events.models import CANCELLED, DRAFT
from connectapp.events.store import EventStore
from connectapp.resources import EventContext
from connectapp.security import Permission

INCOMPLETE = "It is not published yet: please complete the marked fields and save, then publish."
UNSAVED = "There are changes that are not saved yet: save or discard them, then publish."


@view_config(context=EventContext, name="publish", permission=Permission.PUBLISH_EVENTS, request_method="POST")
def publish(context: EventContext, request: Any) -> Any:
    """Let people buy tickets, if everything is there and somebody can be paid."""
    event = context.event
    if event.status == CANCELLED:
        raise RefusedError("event_cancelled")
    if event.status == DRAFT:
        form = EventForm(request, context.providers, event)
        problems = form.publishing_problems(event.values, utcnow())
        if event.draft is not None:
            return form.again(409, form.first_texts(), UNSAVED)
        if problems:
            return form.again(400, fields.texts_of(event.values), INCOMPLETE, problems)
        request.event_store.publish(event.id, owner_of(request), event.version)
    return HTTPSeeOther(event.path)


@view_config(
    context=EventContext,
    name="cancel",
    permission=Permission.PUBLISH_EVENTS,
    request_method="GET",
    renderer="event_cancel.jinja2",
)
def cancel_page(context: EventContext, request: Any) -> dict[str, Any]:
    """Says what will happen, and asks."""
    return {"event": showing.shown(context.event, context.providers)}


@view_config(context=EventContext, name="cancel", permission=Permission.PUBLISH_EVENTS, request_method="POST")
def cancel(context: EventContext, request: Any) -> Any:
    """End the event, for good."""
    request.event_store.cancel(context.event.id, owner_of(request))
    return HTTPSeeOther(context.event.path)


def _move_payee(event: AccountReplacing) -> None:
    """The new account takes the old one's place at events, too."""
    store = EventStore(event.store.session, event.store)
    store.move_payee(event.old_account_id, event.account_id, event.owner)


def _request_store(request: Any) -> EventStore:
    accounts: AccountStore = request.account_store
    return EventStore(request.dbsession, accounts)


def includeme(config: Any) -> None:
    config.add_request_method(_request_store, "event_store", reify=True)
    config.add_subscriber(_move_payee, AccountReplacing)
    config.scan(__name__)

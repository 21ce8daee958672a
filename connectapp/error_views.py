"""Every error that a person sees: what happened, what to do now, and a reference id."""

import logging
from typing import Any

from pyramid.exceptions import BadCSRFToken, PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connectapp import forms
from connectapp.errors import RefusedError, UnavailableError, VaultError
from connectapp.http import error_response

log = logging.getLogger(__name__)

REFUSALS: dict[str, tuple[int, str, str, str]] = {
    "too_many_attempts": (
        429,
        "Too many connections were begun",
        "Several connections of this organizer are still waiting for an answer from the provider.",
        "Finish one of them, or wait until they run out, then press Connect again.",
    ),
    "too_many_starts": (
        429,
        "Too many connections were begun",
        "This organizer has begun more connections within an hour than it may.",
        "Wait an hour, then press Connect again.",
    ),
    "too_many_callbacks": (
        429,
        "Too many answers that belong to nothing",
        "Many addresses like this one came from where you are, and none belonged to a connection that was begun.",
        "Wait a quarter of an hour. Then go to your accounts and press Connect again.",
    ),
    "provider_down": (
        503,
        "The provider does not answer at present",
        "It left several people without an answer just now, so nobody is sent there for half a minute.",
        "Wait a minute, then press Connect again.",
    ),
    "provider_unreachable": (
        503,
        "The provider cannot be reached right now",
        "We could not get through to it, so the connection was not begun. Nothing of what you typed is lost.",
        "Wait a minute, then press Connect again.",
    ),
    "no_link": (
        503,
        "The provider did not let us begin",
        "This is the platform's fault and not yours. Nothing was connected, and nothing of what you typed is lost.",
        "Tell the platform's support the reference below.",
    ),
    "nothing_to_replace": (
        400,
        "There is no such account to replace",
        "It is not connected any more, or it never was one of this organizer's.",
        "Go back to your accounts and connect a new one.",
    ),
    "nothing_to_confirm": (
        400,
        "There is nothing to confirm",
        "It was confirmed already, or it waited too long. Your accounts are as the accounts page shows them.",
        "Look at your accounts.",
    ),
    "nothing_to_answer": (
        409,
        "This connection does not wait any more",
        "It was finished already, it took too long, or it was begun in another browser. Nothing was changed.",
        "Go back to where you pressed Connect, and press it again.",
    ),
    "other_tenant": (
        409,
        "This account is connected under another name",
        "The provider says that it is the account that you named otherwise before, so it was not connected again.",
        "Disconnect that one first, or connect a different account.",
    ),
    "account_elsewhere": (
        409,
        "This account belongs to another organizer",
        "It is already connected to another organizer on this platform, so it was not connected here.",
        "Disconnect it there first, or connect a different account.",
    ),
    "no_test_payments": (
        400,
        "There are no test payments here",
        "They are made in test mode only, and by providers that have a test card.",
        "Go back to the account.",
    ),
    "account_not_active": (
        409,
        "This account is not connected",
        "Nothing can be paid into it from here.",
        "Connect it again first.",
    ),
    "no_currency": (
        409,
        "The account's currency is not known",
        "The provider has not told us in which currency the account takes money.",
        "Finish setting the account up at the provider, then connect it again.",
    ),
    "too_many_payments": (
        429,
        "Too many test payments",
        "This account has had twenty of them within an hour.",
        "Wait a while, then try again.",
    ),
    "event_cancelled": (
        409,
        "This event is cancelled",
        "A cancelled event cannot be changed any more.",
        "Make a new event.",
    ),
    "event_changed": (
        409,
        "This event was changed meanwhile",
        "Somebody saved it while you were looking at it. Nothing was done.",
        "Go back, reload the page and look at the event again.",
    ),
    "link_gone": (
        410,
        "This link does not work any more",
        "It was used already, it is too old, or a newer one was mailed. Nothing was changed.",
        "Sign in if you have a password already. Otherwise open the newest mail, or ask for another one.",
    ),
    "last_owner": (
        409,
        "An organizer needs an owner",
        "This is its only owner, so nothing was changed.",
        "Make somebody else an owner first.",
    ),
    "too_many_mails": (
        429,
        "Too many mails were asked for",
        "Many mails were asked for from where you are, so no more are sent for a while.",
        "Wait an hour, then ask again.",
    ),
    "unknown_field": (
        400,
        "This form was not understood",
        "It has a field with a value that we do not know. Nothing was changed.",
        "Go back, reload the page and try again.",
    ),
}


def not_found(error: Any, request: Any) -> Any:
    """404, also for what belongs to somebody else; 405 if only the method is wrong."""
    if isinstance(error, PredicateMismatch):
        response = error_response(request, 405, "Not this way", "This address cannot be used in this way.")
        response.allow = _methods(request)
        return response
    return error_response(request, 404, "Not found", "There is no such page.", "Check the address, or start again.")


def _methods(request: Any) -> list[str]:
    """The methods that the addressed page takes."""
    methods: set[str] = set()
    for item in request.registry.introspector.get_category("views") or ():
        view = item["introspectable"]
        if view["name"] == request.view_name and view["context"] in (None, type(request.context)):
            methods.update(view["request_methods"] or ())
    return sorted(methods)


def forbidden(error: Any, request: Any) -> Any:
    """To the sign-in page where that helps, else 403."""
    if request.actor is None and request.method == "GET":
        return HTTPSeeOther("/signin")
    if request.actor is None:
        typed = forms.typed(request)
        return error_response(
            request, 403, "You are signed out", "Nothing was changed.", "Sign in and try again.", typed=typed
        )
    return error_response(
        request, 403, "Not allowed", "Your role in this organizer does not allow this.", "Ask one of its owners."
    )


def bad_csrf_token(error: Any, request: Any) -> Any:
    """The anti-forgery token is missing or old: 400."""
    return error_response(
        request,
        400,
        "This form is too old",
        "It was opened before you signed in or out, or in a browser that refuses cookies. Nothing was changed.",
        "Go back, reload the page and send it again.",
        typed=forms.typed(request),
    )


def http_exception(error: Any, request: Any) -> Any:
    """Pyramid's and WebOb's own answers: redirects as they are, errors as our page."""
    if error.status_int < 400:
        return error
    return error_response(request, error.status_int, error.title, "The request could not be understood.")


def undecodable(error: Any, request: Any) -> Any:
    """Bytes that are not UTF-8 in the address or in a form: 400."""
    return error_response(request, 400, "Not understood", "The request holds characters that are not valid UTF-8.")


def refused(error: RefusedError, request: Any) -> Any:
    """A request that we refuse, with the sentence for its reason."""
    status, heading, sentence, step = REFUSALS[error.reason]
    log.warning("refused: %s", error.reason)
    response = error_response(request, status, heading, sentence, step)
    if status in {429, 503}:
        response.retry_after = 60
    return response


def unavailable(error: Exception, request: Any) -> Any:
    """Database, pool, disk or vault say no: 503, nothing was changed, and the same request works later."""
    log.error("not available: %s", type(error).__name__, exc_info=error)
    response = error_response(
        request,
        503,
        "Not possible right now",
        "Nothing was changed.",
        "Wait a moment, then reload this page.",
        typed=forms.typed(request),
    )
    response.retry_after = 5
    return response


def unexpected(error: Exception, request: Any) -> Any:
    """Our own mistake: 500; the details are in the log alone."""
    log.error("unexpected: %s", type(error).__name__, exc_info=error)
    return error_response(
        request, 500, "Something went wrong", "It is our fault, and it is in our log.", "Try again in a minute."
    )


def includeme(config: Any) -> None:
    for context, view in (
        (HTTPNotFound, not_found),
        (HTTPForbidden, forbidden),
        (BadCSRFToken, bad_csrf_token),
        (HTTPException, http_exception),
        (UnicodeDecodeError, undecodable),
        (RefusedError, refused),
        (UnavailableError, unavailable),
        (VaultError, unavailable),
        (OperationalError, unavailable),
        (InterfaceError, unavailable),
        (InternalError, unavailable),  # PostgreSQL takes no writes: a replica, after a failover
        (PoolTimeoutError, unavailable),
        (Exception, unexpected),
    ):
        config.add_exception_view(view, context=context)

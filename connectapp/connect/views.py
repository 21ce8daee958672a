"""The pages of the link flow. Each reads the context and the parameters, and calls one function of the flow."""

import logging
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPMethodNotAllowed, HTTPNoContent, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.view import view_config

from connectapp import audit, forms, tries
from connectapp.accounts.store import masked
from connectapp.connect import messages, questions
from connectapp.connect.attempts import Attempt, Status, facts, place_of
from connectapp.connect.leaving import answer, begin, leave, link_flow
from connectapp.connect.questions import Answers
from connectapp.connect.replacement import Replacement
from connectapp.connect.settlement import CHOOSE
from connectapp.db import is_id
from connectapp.errors import RefusedError
from connectapp.journal import Journal
from connectapp.layout import provider_link
from connectapp.logs import is_reference
from connectapp.resources import ProviderContext
from connectapp.security import Permission
from connectapp.settings import get_settings
from connectapp.vault import get_vault

log = logging.getLogger(__name__)

REFRESH_SECONDS = 3
MOST_REFUSED = 100  # callbacks from one place that belong to nothing
REFUSED_WITHIN = timedelta(minutes=15)
# Outcomes after which there is nothing to try again.
SETTLED_OR_BUSY = {"linked", "exchanging", "pending_verification", "awaiting_confirmation"}


@view_config(context=ProviderContext, permission=Permission.CONNECT, request_method="GET", renderer="connect.jinja2")
def connect_page(context: ProviderContext, request: Any) -> Any:
    """The page with the button, and with what is asked first; ``?replaces=`` another try to replace an account,
    ``?attempt=`` one that was begun elsewhere and waits for the answers."""
    attempt_id = request.GET.get("attempt", "")
    if not attempt_id:
        return _connect_page(context, replaces=request.GET.get("replaces", ""))
    attempt = _own_attempt(context, request, attempt_id)
    if attempt.provider != context.provider.name:
        raise HTTPNotFound
    if attempt.status != Status.PENDING or not context.provider.questions:
        return _to_result(context, {"attempt": attempt_id})
    return _connect_page(context, attempt=attempt)


def _connect_page(
    context: ProviderContext, *, replaces: str = "", attempt: Attempt | None = None, answers: Answers | None = None
) -> dict[str, Any]:
    return {
        "provider": provider_link(context.provider),
        "scope": context.provider.scope,
        "replaces": replaces if is_id(replaces) else None,
        "attempt_id": attempt.id if attempt else None,
        "back": place_of(attempt.target if attempt else "accounts")[1],
        "fields": questions.fields(context.provider.questions, answers),
    }


@view_config(
    context=ProviderContext,
    name="authorize",
    permission=Permission.CONNECT,
    request_method="POST",
    fresh=True,
)
def authorize(context: ProviderContext, request: Any) -> Any:
    """Begin an attempt, or go on with one that waited for answers, and answer with the leave page."""
    if forms.text(request, "target", "accounts") != "accounts":
        raise RefusedError("unknown_field")
    replaces, attempt_id = forms.text(request, "replaces", ""), forms.text(request, "attempt", "")
    answers = questions.read(request, context.provider.questions)
    if answers is None:
        return HTTPSeeOther(f"/connect/{context.provider.name}{f'?replaces={replaces}' if is_id(replaces) else ''}")
    if len(answers.tenant) < len(context.provider.questions):
        attempt = _own_attempt(context, request, attempt_id) if attempt_id else None
        page = _connect_page(context, replaces=replaces, attempt=attempt, answers=answers)
        request.response.status_int = 400
        return render_to_response("connect.jinja2", page, request, response=request.response)
    provider = context.provider.at(answers.tenant)
    if attempt_id:
        return leave(request, provider, answer(request, provider, attempt_id))
    return leave(request, provider, begin(request, provider, replaces_id=replaces or None))


@view_config(context=ProviderContext, name="callback", permission=Permission.PUBLIC, request_method="GET")
def callback(context: ProviderContext, request: Any) -> Any:
    """Take the provider's answer, and go on to a clean address whatever it was."""
    if request.method == "HEAD":
        raise HTTPMethodNotAllowed
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return HTTPNoContent()
    refused = tries.key("callback-place", tries.place(request.remote_addr))
    if tries.count(request.dbsession, refused, REFUSED_WITHIN) >= MOST_REFUSED:
        raise RefusedError("too_many_callbacks")
    flow = link_flow(request)
    try:
        outcome = flow.finish(request.actor, context.provider, request.GET.items())
    finally:
        request.work.resume()
    if outcome.attempt_id:
        return _to_result(context, {"attempt": outcome.attempt_id})
    with request.work.apart() as session:
        tries.note(session, refused)
    log.warning("a callback was refused: %s", outcome.problem)
    return _to_result(context, {"problem": outcome.problem or "", "reference": request.reference})


def _to_result(context: ProviderContext, query: dict[str, str]) -> Any:
    response = HTTPSeeOther(f"/connect/{context.provider.name}/result?{urlencode(query)}")
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@view_config(
    context=ProviderContext,
    name="result",
    permission=Permission.PUBLIC,
    request_method="GET",
    renderer="result.jinja2",
)
def result(context: ProviderContext, request: Any) -> dict[str, Any]:
    """What happened: the stored outcome of an attempt, or a problem that has no attempt to show."""
    if "attempt" in request.GET:
        return _attempt_page(context, request, request.GET["attempt"])
    message = messages.PROBLEMS.get(request.GET.get("problem", ""))
    if message is None:
        raise HTTPNotFound
    told = request.GET.get("reference", "")
    return _page(context, request, message, "refused", told if is_reference(told) else request.reference)


def _attempt_page(context: ProviderContext, request: Any, attempt_id: str) -> dict[str, Any]:
    attempt = _own_attempt(context, request, attempt_id)
    message = messages.of_attempt(attempt.status, attempt.reason, charges=context.provider.charges)
    outcome = attempt.reason if attempt.reason == "pending_verification" else attempt.status
    told = audit.last_reference(request.dbsession, f"attempt:{attempt.id}")
    page = _page(context, request, message, outcome, told or request.reference)
    if attempt.target != "accounts":
        page |= {"retry_path": None, "back": place_of(attempt.target)[1], "back_name": "Back to your event"}
    elif page["retry_path"] and attempt.replaces_id:
        page["retry_path"] += f"?replaces={attempt.replaces_id}"
    if attempt.status == Status.EXCHANGING:
        request.response.headers["Refresh"] = str(REFRESH_SECONDS)
        page["refresh_seconds"] = REFRESH_SECONDS
    if attempt.account_id:
        page["account"] = request.account_store.view(attempt.account_id, attempt.organizer_id)
    if attempt.status == Status.AWAITING_CONFIRMATION:
        _add_question(context, request, attempt, page)
    return page


def _own_attempt(context: ProviderContext, request: Any, attempt_id: str) -> Attempt:
    """The attempt, if it is this user's; else it does not exist."""
    attempt: Attempt | None = request.dbsession.get(Attempt, attempt_id) if is_id(attempt_id) else None
    actor = request.actor
    if attempt is None or actor is None or attempt.user_id != actor.user_id:
        raise HTTPNotFound
    if attempt.organizer_id != actor.organizer_id:
        raise HTTPNotFound
    return attempt


def _page(
    context: ProviderContext, request: Any, message: messages.Message, outcome: str, reference: str
) -> dict[str, Any]:
    title = context.provider.title
    request.response.status = message.status
    request.response.headers["Referrer-Policy"] = "no-referrer"
    return {
        "outcome": outcome,
        "heading": message.heading.format(provider=title),
        "sentence": message.sentence.format(provider=title),
        "next_steps": [step.format(provider=title) for step in message.next_steps],
        "provider": provider_link(context.provider),
        "account": None,
        "reference": reference,
        "back": "/accounts",
        "back_name": "Go to your accounts",
        "retry_path": None if outcome in SETTLED_OR_BUSY else f"/connect/{context.provider.name}",
        "refresh_seconds": None,
        "replacement": None,
        "choice": None,
    }


def _add_question(context: ProviderContext, request: Any, attempt: Attempt, page: dict[str, Any]) -> None:
    """The accounts, and the form that answers; forms need an Origin, so the page keeps its referrer policy."""
    request.response.headers["Referrer-Policy"] = "same-origin"
    waiting = _replacement(request).opened(attempt)
    form = {"attempt_id": facts(attempt).id, "path": f"/connect/{context.provider.name}/confirm"}
    if attempt.reason == CHOOSE:
        accounts = [asdict(one) | {"masked_id": masked(one.external_id)} for one in waiting.identities]
        page["choice"] = form | {"accounts": accounts, "mode": attempt.mode}
        return
    page["replacement"] = form | {
        "old": request.account_store.view(attempt.replaces_id, attempt.organizer_id),
        "new": asdict(waiting.identity) | {"masked_id": masked(waiting.identity.external_id), "mode": attempt.mode},
    }


def _replacement(request: Any) -> Replacement:
    return Replacement(link_flow(request).settlement, request.registry["connectapp.journal"])


@view_config(context=ProviderContext, name="confirm", permission=Permission.CONNECT, request_method="POST", fresh=True)
def confirm(context: ProviderContext, request: Any) -> Any:
    """Choose one of several accounts, replace the old account by the new one, or do neither."""
    decision, attempt_id = forms.text(request, "decision"), forms.text(request, "attempt")
    replacement = _replacement(request)
    answers: dict[str, Any] = {
        "replace": replacement.confirm,
        "keep": replacement.keep,
        "choose": replacement.choose,
    }
    if decision not in answers:
        raise RefusedError("unknown_field")
    chosen = (forms.text(request, "account", ""),) if decision == "choose" else ()
    try:
        answers[decision](attempt_id, request.actor, context.provider, *chosen)
    finally:
        request.work.resume()
    return _to_result(context, {"attempt": attempt_id})


def includeme(config: Any) -> None:
    settings = get_settings(config.registry)
    config.registry["connectapp.journal"] = Journal(Path(settings.journal_dir), get_vault(config.registry))
    config.scan(__name__)

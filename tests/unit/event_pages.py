"""The pages of events in their states, for `test_templates`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from connectapp.accounts.uses import Use
from connectapp.events.fields import FIELDS, LONGEST, PAYEES, Values
from connectapp.events.showing import ShownEvent, ShownPayee
from connectapp.events.store import Draft, EventView
from connectapp.offers import Offers, Place
from tests.unit.pages import ACCOUNTS, AT, HOSTILE, PLACE, PROVIDER, SIGNED_IN, SIGNED_OUT, account

USES = [Use(HOSTILE, "/events/1", live=True), Use(HOSTILE, "/events/2", live=False)]
WORKS, DEAD = ShownPayee(HOSTILE, HOSTILE, None), ShownPayee(HOSTILE, HOSTILE, HOSTILE)
SHOWN = ShownEvent(
    "1", "/events/1", "published", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (WORKS,), None, False
)
STATES = [
    SHOWN,
    replace(SHOWN, payees=(WORKS, DEAD)),
    replace(SHOWN, payees=(DEAD, DEAD), paused="None works."),
    replace(SHOWN, payees=(DEAD,), paused=HOSTILE),
    replace(SHOWN, status="draft", when=None, price=None, payees=(), unsaved=True),
    replace(SHOWN, status="cancelled"),
    replace(SHOWN, status=HOSTILE),
]
DRAFT = Draft({}, None, AT)
EVENT = EventView("1", "1", HOSTILE, "draft", 1, Values(HOSTILE), (account(), account("disconnected")), DRAFT)
TEXTS = dict.fromkeys(FIELDS, HOSTILE)
FORM = {
    "event_id": HOSTILE,
    "version": 1,
    "accounts": ACCOUNTS,
    "boxes": PAYEES,
    "replaced": [PROVIDER.name],
    "titles": {},
    "currencies": {"EUR": HOSTILE},
    "zones": ["UTC"],
    "longest": LONGEST,
}

OTHER = replace(PROVIDER, name="other")
OFFERS = Offers([PROVIDER, OTHER], [OTHER], [OTHER], PLACE)


def event_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The template's name and its variables."""
    frame = {"site": SIGNED_IN}
    yield "events", frame | {"events": STATES}
    yield "events", frame | {"events": []}
    for event in STATES:
        for may in (True, False):
            yield "event", frame | {"event": event, "may_edit": True, "may_publish": may}
        yield "event", {"site": SIGNED_OUT, "event": event, "may_edit": False, "may_publish": False}
    yield "event_cancel", frame | {"event": SHOWN}
    for may in (True, False):
        for event in (None, EVENT, replace(EVENT, draft=None, payees=())):
            page = frame | FORM | {"event": event, "may_choose": may, "texts": TEXTS, "offers": OFFERS}
            yield "event_form", page | {"problems": {}, "notice": None}
            yield "event_form", page | {"problems": TEXTS, "notice": HOSTILE}
        nothing = {"event": None, "accounts": [], "boxes": PAYEES[:1], "may_choose": may}
        nothing |= {"offers": Offers([], [], [], Place())}
        yield "event_form", frame | FORM | nothing | {"texts": TEXTS, "problems": {}, "notice": HOSTILE}
    for uses in (USES, []):
        leaving = frame | {"account": account(), "provider_title": PROVIDER.title, "uses": uses}
        yield from (("disconnect", leaving | {"revocable": revocable}) for revocable in (True, False))

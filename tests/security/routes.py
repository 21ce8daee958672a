"""Every view of the site and what each actor gets there: the one table that the tests of access and headers go by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webtest import TestResponse

from tests.support.events import make_event
from tests.support.site import PASSWORD, Browser, Site

ACTORS = ("anonymous", "owner", "member", "other", "roleless")


@dataclass(frozen=True)
class Route:
    """One view. `path` may name ``{account}``, ``{event}``, ``{payment}`` and ``{attempt}``, which are the owner's.

    :param view: its context and name, as introspection has them.
    :param statuses: for each of `ACTORS`.
    """

    method: str
    path: str
    view: tuple[str, str]
    statuses: tuple[int, int, int, int, int]
    fields: tuple[tuple[str, str], ...] = ()

    def expected(self, actor: str) -> int:
        return self.statuses[ACTORS.index(actor)]


NOWHERE = "0192f0c0-0000-7000-8000-000000000000"
WRONG = (("email", "olga@example.test"), ("password", "not " + PASSWORD))
CONFIRM = (("attempt", "{attempt}"), ("decision", "keep"))
CHANGE = (("user", NOWHERE), ("role", "member"))
# What ends a session or an account comes last.
ROUTES = (
    Route("GET", "/", ("Root", ""), (200, 303, 303, 303, 303)),
    Route("GET", "/signin", ("SignIn", ""), (200, 200, 200, 200, 200)),
    Route("POST", "/signin", ("SignIn", ""), (403, 403, 403, 403, 403), WRONG),
    Route("GET", "/signup", ("Root", "signup"), (200, 303, 303, 303, 303)),
    Route("POST", "/signup", ("Root", "signup"), (400, 400, 400, 400, 400), (("email", ""),)),
    Route("GET", "/verify", ("Root", "verify"), (410, 410, 410, 410, 410)),
    Route("POST", "/verify", ("Root", "verify"), (410, 410, 410, 410, 410), (("token", "x"), ("name", "x"))),
    Route("GET", "/reset", ("Root", "reset"), (200, 200, 200, 200, 200)),
    Route("POST", "/reset", ("Root", "reset"), (400, 400, 400, 400, 400), (("email", ""),)),
    Route("GET", "/reset?token=x", ("Root", "reset"), (410, 410, 410, 410, 410)),
    Route("POST", "/reset", ("Root", "reset"), (410, 410, 410, 410, 410), (("token", "x"),)),
    Route("GET", "/organizers", ("Organizers", ""), (303, 200, 200, 200, 200)),
    Route("POST", "/organizers/switch", ("Organizers", "switch"), (403, 404, 404, 404, 404), (("to", "nowhere"),)),
    Route("POST", "/organizers/create", ("Organizers", "create"), (403, 400, 400, 400, 400), (("name", ""),)),
    Route("GET", "/invite", ("Root", "invite"), (410, 410, 410, 410, 410)),
    Route("POST", "/invite", ("Root", "invite"), (410, 410, 410, 410, 410), (("token", "x"),)),
    Route("GET", "/members", ("Members", ""), (303, 200, 200, 200, 403)),
    Route(
        "POST", "/members/invite", ("Members", "invite"), (403, 400, 403, 400, 403), (("email", ""), ("role", "owner"))
    ),
    Route("POST", "/members/resend", ("Members", "resend"), (403, 404, 403, 404, 403), (("invitation", NOWHERE),)),
    Route("POST", "/members/withdraw", ("Members", "withdraw"), (403, 404, 403, 404, 403), (("invitation", NOWHERE),)),
    Route("POST", "/members/change", ("Members", "change"), (403, 404, 403, 404, 403), CHANGE),
    Route("POST", "/members/remove", ("Members", "remove"), (403, 404, 403, 404, 403), (("user", NOWHERE),)),
    Route("GET", "/members/leave", ("Members", "leave"), (303, 200, 200, 200, 403)),
    Route("GET", "/events", ("Events", ""), (303, 200, 200, 200, 403)),
    Route("GET", "/events/new", ("Events", "new"), (303, 200, 200, 200, 403)),
    Route("POST", "/events/new", ("Events", "new"), (403, 400, 400, 400, 403), (("event", NOWHERE),)),
    Route("GET", "/events/{event}", ("EventContext", ""), (303, 200, 200, 404, 404)),
    Route("GET", "/events/{event}/edit", ("EventContext", "edit"), (303, 200, 200, 404, 404)),
    Route("POST", "/events/{event}/edit", ("EventContext", "edit"), (403, 400, 400, 404, 404), (("event", NOWHERE),)),
    Route("POST", "/events/{event}/publish", ("EventContext", "publish"), (403, 303, 403, 404, 404)),
    Route("GET", "/events/{event}/cancel", ("EventContext", "cancel"), (303, 200, 403, 404, 404)),
    Route("POST", "/events/{event}/cancel", ("EventContext", "cancel"), (403, 303, 403, 404, 404)),
    Route("GET", "/accounts", ("Accounts", ""), (303, 200, 200, 200, 403)),
    Route("GET", "/accounts/{account}", ("AccountContext", ""), (303, 200, 200, 404, 403)),
    Route("GET", "/accounts/{account}/disconnect", ("AccountContext", "disconnect"), (303, 200, 403, 404, 403)),
    Route("GET", "/connect/stripe", ("ProviderContext", ""), (303, 200, 403, 200, 403)),
    Route("POST", "/connect/stripe/authorize", ("ProviderContext", "authorize"), (403, 200, 403, 200, 403)),
    Route("GET", "/connect/stripe/callback", ("ProviderContext", "callback"), (303, 303, 303, 303, 303)),
    Route("GET", "/connect/stripe/result?attempt={attempt}", ("ProviderContext", "result"), (404, 200, 404, 404, 404)),
    Route("POST", "/connect/stripe/confirm", ("ProviderContext", "confirm"), (403, 400, 403, 400, 403), CONFIRM),
    Route("POST", "/accounts/{account}/test-payment", ("AccountContext", "test-payment"), (403, 303, 403, 404, 403)),
    Route("GET", "/accounts/{account}/payments/{payment}", ("PaymentContext", ""), (303, 200, 200, 404, 403)),
    Route(
        "POST", "/accounts/{account}/payments/{payment}/check", ("PaymentContext", "check"), (403, 303, 403, 404, 403)
    ),
    Route("POST", "/accounts/{account}/revoke", ("AccountContext", "revoke"), (403, 303, 403, 404, 403)),
    Route("POST", "/accounts/{account}/disconnect", ("AccountContext", "disconnect"), (403, 303, 403, 404, 403)),
    Route("POST", "/members/leave", ("Members", "leave"), (403, 409, 303, 409, 403)),
    Route("POST", "/signout", ("Root", "signout"), (303, 303, 303, 303, 303)),
    Route("POST", "/signin/demo", ("SignIn", "demo"), (303, 303, 303, 303, 303)),
)


def introspected(site: Site) -> set[tuple[str, str, str]]:
    """Method, context and name of every view of the site; exception views and the files of `static` have no place."""
    found = set()
    for item in site.registry.introspector.get_category("views"):
        view: Any = item["introspectable"]
        context = view["context"]
        if view.get("route_name") or not getattr(context, "__module__", "").startswith("connectapp.resources"):
            continue
        methods = view["request_methods"] or "ANY"
        for method in [methods] if isinstance(methods, str) else methods:
            found.add((method, context.__name__, view["name"]))
    return found


class Cast:
    """A site where Olga has connected an account, and a browser for each actor."""

    def __init__(self, site: Site) -> None:
        self.site = site
        olga = site.person("olga")
        self.browsers = {"anonymous": site.browser(), "owner": site.browser(olga)}
        self.browsers["owner"].connect(business_name="Riverside Concerts")
        self.browsers["member"] = site.browser(site.person("mia", organizer="Olga Events", role="member"))
        self.browsers["other"] = site.signed_in("piet")
        nobody = site.person("nils")
        site.change("DELETE FROM membership WHERE user_id = :id", id=nobody.user_id)
        self.browsers["roleless"] = site.browser(nobody)
        (self.account,) = site.accounts()
        (self.attempt,) = site.attempts()
        self.browsers["owner"].submit(f"/accounts/{self.account.id}/test-payment", status=303)
        (self.payment,) = site.rows("SELECT id FROM payment")
        self.event = make_event(self.browsers["owner"], price="0").removeprefix("/events/")

    def fill(self, text: str) -> str:
        ids = {"account": self.account.id, "attempt": self.attempt.id, "payment": self.payment.id}
        return text.format(event=self.event, **ids)

    def ask(self, browser: Browser, route: Route, **headers: str) -> TestResponse:
        """Send the route's request, a form with this browser's own anti-forgery token."""
        path = self.fill(route.path)
        if route.method == "GET":
            return browser.get(path, headers=headers, expect_errors=True)
        fields = {name: self.fill(value) for name, value in route.fields}
        return browser.submit(path, fields, headers=headers, expect_errors=True)

    def tour(self) -> Iterator[tuple[str, Route, TestResponse]]:
        """Every actor at every route; the owner last, since it is the owner who may end things."""
        for actor in sorted(ACTORS, key=lambda actor: actor == "owner"):
            for route in ROUTES:
                yield actor, route, self.ask(self.browsers[actor], route)

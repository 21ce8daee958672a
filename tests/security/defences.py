"""The defences, each with the way to take it out and the rows whose tests must then fail.

The application has no switch for any of it: a defence is taken out by replacing the named function before the
application is made. `python -m tests.security.defences` lists them; `test_defences.py` takes out each.
"""

import os
from dataclasses import dataclass, replace
from time import sleep
from typing import Any

from tests.support.replacing import Wrap, replace_named

VARIABLE = "TESTS_WITHOUT"  # inherited by the processes that tests start


@dataclass(frozen=True)
class Defence:
    """One of them.

    :param rows: whose tests notice, or names of tests. :param place: dotted name of what is replaced.
    :param wrap: given the original, the replacement. :param only: of these tests, those with this word in their name.
    """

    rows: tuple[str, ...]
    place: str
    wrap: Wrap
    only: str = ""

    def remove(self) -> None:
        """Take it out of this process, for good."""
        replace_named(self.place, self.wrap)


def always(value: Any) -> Wrap:
    """In place of a function, one that gives the value."""
    return lambda _original: lambda *_args, **_kwargs: value


def value(something: Any) -> Wrap:
    """In place of a constant, another one."""
    return lambda _original: something


def _not_ending_as(reason: str) -> Wrap:
    """`LinkFlow._ending` without the check of this name."""

    def wrap(original: Any) -> Any:
        def ending(*args: Any) -> Any:
            found = original(*args)
            return None if found and found[1] == reason else found

        return ending

    return wrap


def _unbound(_original: Any) -> Any:
    return lambda header, _binding: header


def _lets_one_slip(original: Any) -> Any:
    """One that came too late goes on all the same; one is enough, and more of them wait for each other for a minute."""
    slipped: list[str] = []

    def burn(session: Any, attempt_id: str, target: Any, **values: Any) -> bool:
        sleep(1)  # so that others have looked at the attempt too before the first burns it
        if original(session, attempt_id, target, **values):
            return True
        slipped.append(attempt_id)
        return len(slipped) == 1

    return burn


def _follows_redirects(original: Any) -> Any:
    import urllib3

    def urlopen(self: Any, method: str, url: str, **kwargs: Any) -> Any:
        kwargs |= {"redirect": True, "retries": urllib3.Retry(3)}
        return original(self, method, url, **kwargs)

    return urlopen


def _sends_twice(original: Any) -> Any:
    def request(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        return original(*args, **kwargs) if answer.status_code >= 500 else answer

    return request


def _slower(original: Any) -> Any:
    class Slower(original):  # type: ignore[misc]
        def __init__(self, seconds: float, *args: Any) -> None:
            super().__init__(seconds * 20, *args)

    return Slower


def _larger(original: Any) -> Any:
    def init(self: Any, **kwargs: Any) -> None:
        original(self, **kwargs)
        self.max_bytes <<= 8

    return init


def _believes_document_types(original: Any) -> Any:
    return lambda target, **_: original(target=target, forbid_dtd=False, forbid_entities=False, forbid_external=False)


def _counts_no_elements(_original: Any) -> Any:
    return lambda self, _tag, attributes: self._open.append(type(self._open[0])(attributes))


class _Everything:
    def __contains__(self, item: object) -> bool:
        return True


def _any_host(original: Any) -> Any:
    return lambda request, settings, _hosts: original(request, settings, _Everything())


def _any_size(original: Any) -> Any:
    return lambda request, settings, hosts: original(request, replace(settings, http_max_body_kib=1 << 20), hosts)


def _no_token(original: Any) -> Any:
    return lambda self, **kwargs: original(self, **(kwargs | {"require_csrf": False}))


def _ageless(original: Any) -> Any:
    def find(session: Any, token: str, settings: Any) -> Any:
        return original(session, token, replace(settings, session_idle_minutes=10**6, session_absolute_hours=10**4))

    return find


def _answers_any_account(original: Any) -> Any:
    return lambda self, grant: replace(original(self, grant), external_id=grant.external_id)


def _readable(original: Any) -> Any:
    original.__repr__ = original.__str__ = original.reveal  # in place: others have imported the class already
    return original


def _of_anybody(original: Any) -> Any:
    def view(self: Any, account_id: str, _organizer_id: str) -> Any:
        found = self.by_id([account_id])
        return found[account_id]

    return view


def _of_any_issuer(original: Any) -> Any:
    def init(self: Any, *args: Any) -> None:
        original(self, *args)
        self.issuer = None

    return init


def _not_pushing(original: Any) -> Any:
    def init(self: Any, *args: Any) -> None:
        original(self, *args)
        self.pushes = False

    return init


def _without_fence(_original: Any) -> Any:
    from connectapp.jobs import Job

    return lambda one: (Job.id == one.id,)


FLOW = "connectapp.connect.flow"
PROVIDER = "connectapp.providers.oauth2:OAuth2Provider"
DEFENCES: dict[str, Defence] = {
    "state-session-binding": Defence(
        ("ST-04", "ST-06"), f"{FLOW}:_belongs", lambda _: lambda attempt, actor: attempt.user_id == actor.user_id
    ),
    "state-user-binding": Defence(
        ("ST-05",), f"{FLOW}:_belongs", lambda _: lambda attempt, actor: attempt.session_hash == actor.session_hash
    ),
    # SQLite's write lock alone lets one callback in at a time.
    "burn-before-redeem": Defence(
        ("CR-01",), f"{FLOW}:attempts.burn", _lets_one_slip, "test_fifty_callbacks_at_once_redeem_once[postgresql"
    ),
    "expiry": Defence(("ST-10",), f"{FLOW}:LinkFlow._ending", _not_ending_as("expired")),
    "provider-of-the-attempt": Defence(("MX-01",), f"{FLOW}:LinkFlow._ending", _not_ending_as("other_provider")),
    "issuer-of-the-answer": Defence(("MX-03",), f"{PROVIDER}.__init__", _of_any_issuer),
    "signature-of-the-answer": Defence(
        ("MX-03",), "connectapp.providers.callbacks:_is_signed", always(True), "not_signed"
    ),
    "tenant-of-the-answer": Defence(
        ("MX-01",), f"{FLOW}:LinkFlow._ending", _not_ending_as("other_tenant"), "another_store"
    ),
    "tenant-of-the-account": Defence(("MX-02",), f"{PROVIDER}._at_its_tenant", always(True), "says_that_it_is_another"),
    "tenants-are-harmless": Defence(
        ("MX-08",), "connectapp.providers.tenants:Question.fits", always(True), "test_tenants"
    ),
    "pushed-parameters": Defence(("MX-11",), f"{PROVIDER}.__init__", _not_pushing, "carries_a_reference"),
    "configuration-of-the-attempt": Defence(
        ("MX-02",), f"{FLOW}:LinkFlow._ending", _not_ending_as("configuration_changed")
    ),
    "role-at-the-callback": Defence(("ST-13",), f"{FLOW}:LinkFlow._ending", _not_ending_as("role_lost")),
    "role-before-storing": Defence(("ST-13",), "connectapp.connect.settlement:_may_link", always(True)),
    "code-seen-once": Defence(("CR-05",), f"{FLOW}:attempts.code_was_seen", always(False)),
    "open-attempts-bounded": Defence(("ST-19",), f"{FLOW}:attempts.open_count", always(0)),
    "attempts-per-hour": Defence(("RL-01",), f"{FLOW}:attempts.begun_count", always(0)),
    "counted-callbacks": Defence(("RL-01",), "connectapp.connect.views:MOST_REFUSED", value(1 << 30)),
    "places-at-a-provider": Defence(("TE-03",), "connectapp.connect.gates:Gate.enter", always(None), "leave_threads"),
    "left-alone-for-a-while": Defence(
        ("TE-19",), "connectapp.connect.gates:Gate.open", value(property(lambda _: True))
    ),
    "one-organizer-per-account": Defence(
        ("ST-18",), "connectapp.accounts.store:AccountStore._check_free", always(None)
    ),
    "confirmation-of-a-replacement": Defence(
        ("ST-17",), "connectapp.accounts.store:AccountStore.is_account", always(True), "replace"
    ),
    "tenant-filter": Defence(("AZ-02",), "connectapp.accounts.store:AccountStore.view", _of_anybody),
    "associated-data": Defence(("SR-04",), "connectapp.vault:_associated", _unbound),
    "masked-secrets": Defence(("SR-10", "SR-11"), "connectapp.secret:Secret", _readable),
    "journal-before-storing": Defence(("DP-03", "DP-04"), "connectapp.journal:Entry.write", always(None)),
    "total-deadline": Defence(("TE-01",), "connectapp.oauth.transport:Call", _slower),
    "size-cap": Defence(("TE-06",), "connectapp.oauth.transport:Transport.__init__", _larger),
    "xml-is-data": Defence(
        ("test_what_is_more_than_data_is_neither_believed_nor_shown",),
        "connectapp.oauth.strictxml:DefusedXMLParser",
        _believes_document_types,
    ),
    "xml-elements": Defence(
        ("test_a_bomb_is_refused_at_little_cost",), "connectapp.oauth.strictxml:_Values.start", _counts_no_elements
    ),
    "no-redirects": Defence(("TE-07",), "urllib3:PoolManager.urlopen", _follows_redirects),
    "no-retries": Defence(("CR-03", "TE-04"), "connectapp.oauth.transport:Transport.request", _sends_twice),
    "mode-of-the-answer": Defence(
        ("MX-09",),
        "connectapp.providers.answers:checked_mode",
        lambda _: lambda _answer, _live, mode: mode,
    ),
    "csrf-token": Defence(("ST-01",), "pyramid.config:Configurator.set_default_csrf_options", _no_token),
    "origin": Defence(("ST-01",), "connectapp.http:_is_foreign", always(False)),
    "host-allowlist": Defence(("HD-12",), "connectapp.http:_refusal", _any_host),
    "body-size": Defence(("test_a_body_of_one_mebibyte",), "connectapp.http:_refusal", _any_size),
    "content-security-policy": Defence(("HD-01",), "connectapp.http:HEADERS", value({})),
    "sessions-end": Defence(("SE-06",), "connectapp.sessions:find", _ageless),
    "sign-out-on-the-server": Defence(("SE-05",), "connectapp.sessions:end", always(None)),
    "fresh-password": Defence(("SE-09",), "connectapp.organizers.stepup:_is_fresh", always(True)),
    "counted-passwords": Defence(("AD-04",), "connectapp.organizers.password_check:_too_many", always(False)),
    "fence-of-a-job": Defence(
        ("test_whoever_lost_the_lease_changes_nothing",), "connectapp.jobs:_held", _without_fence
    ),
    "clock-of-the-database": Defence(("DP-07",), "connectapp.clock:Clock.follow", always(None), "postgresql"),
    "organizer-of-the-form": Defence(("ST-13", "AZ-03"), "connectapp.organizers.switching:check_form", always(None)),
}


def remove_named(name: str | None = None) -> None:
    """Take out this one, or the one that the environment names; for the start of test processes."""
    if name := name or os.environ.get(VARIABLE):
        DEFENCES[name].remove()


if __name__ == "__main__":
    for name, defence in DEFENCES.items():
        print(f"{name:32} {', '.join(defence.rows):16} {defence.place}")

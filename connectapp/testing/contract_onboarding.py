"""The contract of providers that onboard, up to the provider's page: who asks for the link, and where it may lead."""

import json
import re
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from connectapp.providers.effective import scopes
from connectapp.sandbox.declared_dialect import placed
from connectapp.testing.asking import (
    NO_LINK,
    declared_hosts,
    each,
    leaves,
    needs,
    odd_answers,
    patch,
    sent,
    told_in,
)
from connectapp.testing.bench import URL, Bench, Visitor
from connectapp.testing.contract_answers import BODIES, DOWN, LOST
from connectapp.testing.counterpart import Step

ELSEWHERE = (
    "http://{host}/", "https://evil.example/", "https://{host}.evil.example/", "https://evil{domain}/",
    "https://{host}@evil.example/", "https://evil@{host}/", "https://{host}:8443/", "javascript:alert(1)",
    "https://{host}/\r\nSet-Cookie: a=b", "", 7, None,
)  # fmt: skip


class OnboardingContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_the_platform_itself_asks_for_the_link(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        visitor = bench.visitor()
        with bench.sandbox.watched() as asked:
            url = visitor.leave()
        state = sent(bench.sandbox.decide(url))[bench.provider.callback_names.state][0]
        known = {*bench.secrets, *bench.sandbox.tokens()}
        for request in asked:
            assert request["host"] in declared_hosts(bench)
            assert [secret for secret in known if any(secret in told for told in told_in(request["headers"]))]
            address = unquote(f"{request['path']}?{request['query']}")
            assert not [secret for secret in (*known, state) if secret in address]
        bodies = "\n".join(unquote_plus(request["body"]) for request in asked)
        words = scopes(bench.declaration, bench.provider.settings)
        for word in (state, bench.callback, f"{URL}/connect/{bench.name}", *words):
            assert re.search(rf"{re.escape(word)}(?![\w/])", bodies), word

    def test_the_link_is_kept_nowhere(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        secrets = re.findall(r"[\w-]{20,}", unquote(bench.visitor().leave()))
        assert secrets
        kept = bench.everything()
        assert not [secret for secret in secrets if secret in kept]

    def test_a_link_to_somewhere_else_is_not_followed(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        with bench.sandbox.watched() as asked:
            host = _host(bench.visitor().leave())
        *_, step = bench.sandbox.steps(asked)
        answer = bench.sandbox.again(step)
        (place,) = [place for place, value in leaves(answer) if str(value).startswith(f"https://{host}/")]
        domain = ".".join(host.split(".")[-2:])
        urls = [one.format(host=host, domain=domain) if isinstance(one, str) else one for one in ELSEWHERE]
        each(bench, urls, lambda url: _is_no_link(bench, step, patch(answer, place, url)))

    def test_nonsense_in_an_answer_gives_no_link_to_somewhere_else(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        with bench.sandbox.watched() as asked:
            host = _host(bench.visitor().leave())
        cases = odd_answers(bench, bench.sandbox.steps(asked))
        each(bench, cases, lambda case: _leads_there_or_nowhere(bench, host, *case))

    def test_nobody_leaves_while_the_provider_is_down(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        cases = [(number, step, fault) for number, step in enumerate(bench.trip.begin) for fault in DOWN + LOST]
        each(bench, cases, lambda case: _is_unreachable(bench, *case))

    def test_nobody_leaves_if_the_provider_refuses(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        faults = [{"status": status, "body": "{}"} for status in (400, 403)]
        faults += [{"status": 200, "body": body} for body in BODIES]
        cases = [(number, step, fault) for number, step in enumerate(bench.trip.begin) for fault in faults]
        each(bench, cases, lambda case: _is_refused_a_link(bench, *case))

    def test_an_error_about_the_platforms_own_token_has_our_word(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        needs("token" not in bench.declaration.left_out, "the platform needs no token of its own")
        errors = bench.declaration.errors
        told = {"invalid_client": "platform_refused", **errors.reasons}
        cases = [(path, code, reason) for path in errors.code for code, reason in told.items()]
        each(bench, cases, lambda case: _has_our_word(bench, *case))


def _host(url: str) -> str:
    """The provider's host, which the sandbox has in front of the path."""
    return urlsplit(url).path.split("/")[1]


def _is_no_link(bench: Bench, step: Step, changed: Any) -> None:
    bench.sandbox.spoil(step, after=True, json_merge=changed)
    page = bench.visitor().begin()
    assert page.status_int == 503
    assert "evil" not in page.text
    assert bench.attempts() == [("failed", "malformed_answer")]


def _leads_there_or_nowhere(bench: Bench, host: str, step: Step, changed: Any) -> None:
    bench.sandbox.spoil(step, after=True, json_merge=changed)
    page = bench.visitor().begin()
    if page.status_int == 200:
        assert f'href="{bench.sandbox.url}/{host}/' in page.text
    else:
        assert (page.status_int, bench.attempts()[0][0]) == (503, "failed")


def _is_unreachable(bench: Bench, number: int, step: Step, fault: dict[str, Any]) -> None:
    before = len(bench.sandbox.ledger()["accounts"])
    visitor = bench.visitor()
    _is_told(bench, visitor, number, step, fault)
    assert bench.attempts() == [("failed", "provider_unreachable")]
    visitor.link()  # goes on with an account that was made all the same
    assert bench.attempts()[1] == ("linked", None)
    assert len(bench.sandbox.ledger()["accounts"]) == before + 1


def _is_refused_a_link(bench: Bench, number: int, step: Step, fault: dict[str, Any]) -> None:
    _is_told(bench, bench.visitor(), number, step, fault)
    ((status, reason),) = bench.attempts()
    assert (status, reason != "provider_unreachable") == ("failed", True)


def _is_told(bench: Bench, visitor: Visitor, number: int, step: Step, fault: dict[str, Any]) -> None:
    """The page says so, and nobody was asked a second time."""
    bench.sandbox.spoil(step, **fault)
    with bench.sandbox.watched() as asked:
        page = visitor.begin()
    assert (page.status_int, len(asked)) == (503, number + 1)
    assert not [secret for secret in (*bench.secrets, *bench.sandbox.tokens()) if secret in page.text]


def _has_our_word(bench: Bench, path: str, code: str, reason: str) -> None:
    bench.sandbox.fault("token", status=401, body=json.dumps(placed({}, path, code)))
    assert bench.visitor().begin().status_int == 503
    assert bench.attempts() == [("failed", reason)]

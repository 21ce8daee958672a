"""The contract of what a provider proves: who wrote an answer, and for the tenant that the organizer was asked for."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectapp.testing.asking import each, needs, nested, sent
from connectapp.testing.bench import Bench

NO_TENANT = "organizers are asked for no tenant"
NO_TENANTS = ("", "evil.example/", "evil.example#", "a b", "user@evil", "..", "x" * 900, "{client_secret}", "tenänt")


class ProvenContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_what_is_no_tenant_leads_nowhere(self, bench: Bench) -> None:
        needs(bench.tenant, NO_TENANT)
        each(bench, NO_TENANTS, lambda value: _leads_nowhere(bench, value))

    def test_a_tenant_that_the_provider_does_not_confirm_is_refused(self, bench: Bench) -> None:
        needs(bench.tenant, NO_TENANT)
        bench.sandbox.spoil(bench.trip.confirm[-1], after=True, json_merge=_of_another_tenant(bench))
        bench.visitor().link()
        assert bench.accounts() == []
        assert bench.attempts()[0][0] in {"failed", "refused"}

    def test_a_signed_answer_that_was_changed_is_not_believed(self, bench: Bench) -> None:
        needs(bench.declaration.callback.signature, "what comes back is not signed")
        told = sent(bench.visitor().approved())
        each(
            bench,
            [*told, "another"],
            lambda name: _is_not_believed(bench, lambda now: now | {name: f"{now.get(name)}x"}),
        )
        each(
            bench, told, lambda name: _is_not_believed(bench, lambda now: {key: now[key] for key in now if key != name})
        )


def _leads_nowhere(bench: Bench, value: str) -> None:
    visitor = bench.visitor()
    with bench.sandbox.watched() as asked:
        page = visitor.begin(**{f"tenant_{name}": value for name in bench.tenant})
    assert page.status_int == 400
    assert (asked, bench.attempts()) == ([], [])


def _of_another_tenant(bench: Bench) -> Any:
    told = bench.declaration.identify.tenant
    assert told is not None
    return nested(told.path, "another")


def _is_not_believed(bench: Bench, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    visitor = bench.visitor()
    path = visitor.approved()
    changed = change({name: values[0] for name, values in sent(path).items()})
    with bench.sandbox.watched() as asked:
        visitor.come_back(f"{urlsplit(path).path}?{urlencode(changed)}")
    assert (asked, bench.accounts()) == ([], [])

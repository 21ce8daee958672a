"""The contract of an account's life: refreshing, giving back, readiness, prices."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError, ProviderError
from connectapp.providers.interfaces import Grant, Readiness
from connectapp.providers.parts import Condition
from connectapp.providers.templates import fill_url
from connectapp.secret import Secret
from connectapp.testing.asking import NO_CODE, another, each, in_list, needs, nested
from connectapp.testing.bench import Bench

NOTHING_TO_REFRESH = "nothing to refresh"
NOT_GIVEN_BACK = "access cannot be given back"
NOT_TOLD_READY = "does not tell whether an account is ready"
LATE = 30  # seconds that an answer may have been on its way


def held(bench: Bench) -> Grant:
    """The grant of the account that was just linked, as the application keeps it."""
    (grant,) = bench.sandbox.live_grants()
    tokens: dict[str, Any] = (
        {} if bench.onboards else {kind: Secret(grant[kind]) for kind in ("access_token", "refresh_token")}
    )
    return Grant(external_id=grant["external_id"], mode="test", scope=grant["scope"], **tokens)


class LifeContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_refreshing_keeps_its_rule(self, bench: Bench) -> None:
        rule, provider = bench.declaration.refresh.rule, bench.provider
        bench.visitor().link()
        first = held(bench)
        if rule == "never":
            token = first.refresh_token or Secret("rt_of_nobody")
            with pytest.raises(GrantRefusedError, match="refresh_impossible"):
                provider.refresh(refresh_token=token, redirect_uri=bench.callback)
            return
        assert first.refresh_token
        second = provider.refresh(refresh_token=first.refresh_token, redirect_uri=bench.callback)
        assert second.access_token != first.access_token
        assert second.access_token.reveal() in {one["access_token"] for one in bench.sandbox.live_grants()}
        assert (second.refresh_token == first.refresh_token) == (rule == "same")
        third = provider.refresh(refresh_token=second.refresh_token, redirect_uri=bench.callback)
        assert third.access_token not in (first.access_token, second.access_token)

    def test_a_refresh_token_that_is_gone_is_refused(self, bench: Bench) -> None:
        needs(bench.declaration.refresh.rule != "never", NOTHING_TO_REFRESH)
        with pytest.raises(ProviderError):
            bench.provider.refresh(refresh_token=Secret("rt_gone"), redirect_uri=bench.callback)

    def test_a_refresh_token_stays_unless_another_must_come(self, bench: Bench) -> None:
        rule, provider = bench.declaration.refresh.rule, bench.provider
        needs(rule != "never", NOTHING_TO_REFRESH)
        answer = bench.declaration.token.answer
        bench.visitor().link()
        with bench.sandbox.watched() as asked:
            second = provider.refresh(refresh_token=held(bench).refresh_token, redirect_uri=bench.callback)
        (step,) = bench.sandbox.steps(asked)
        bench.sandbox.spoil(step, after=True, json_merge=nested(answer.refresh_token, None))
        must_come = rule == "single_use" or "refresh_token" in answer.required
        with pytest.raises(MalformedAnswerError) if must_come else nullcontext():
            assert provider.refresh(refresh_token=second.refresh_token, redirect_uri=bench.callback).access_token

    def test_disconnecting_gives_the_access_back(self, bench: Bench) -> None:
        visitor = bench.visitor()
        visitor.link()
        with bench.sandbox.watched() as asked:
            visitor.disconnect()
        assert bench.accounts() == []
        (row,) = bench.rows("SELECT access_token, refresh_token FROM connected_account")
        assert tuple(row) == (None, None)
        assert len(bench.sandbox.live_grants()) == (0 if bench.provider.revocable else 1)
        assert len(asked) == (1 if bench.provider.revocable else 0)

    def test_giving_back_is_tried_until_it_is_confirmed(self, bench: Bench) -> None:
        needs(bench.provider.revocable, NOT_GIVEN_BACK)
        visitor = bench.visitor()
        visitor.link()
        bench.sandbox.fault("revoke", status=503, times=1)
        visitor.disconnect()
        (account,) = bench.accounts()
        assert (account.status, len(bench.sandbox.live_grants())) == ("disconnecting", 1)
        visitor.submit(f"/accounts/{account.id}/revoke")
        assert (bench.accounts(), bench.sandbox.live_grants()) == ([], [])

    def test_an_account_can_be_linked_again(self, bench: Bench) -> None:
        visitor = bench.visitor()
        visitor.link()
        (grant,) = bench.sandbox.live_grants()
        visitor.disconnect()
        visitor.come_back(bench.sandbox.decide(visitor.leave(), account=grant["account"]))
        assert [one.external_id for one in bench.accounts()] == [grant["external_id"]]

    def test_readiness_is_told_as_declared(self, bench: Bench) -> None:
        bench.visitor().link()
        grant = held(bench)
        told = bench.provider.readiness(grant.external_id, grant.access_token)
        asking = bench.declaration.readiness
        address = asking.onboarding_url if asking else None
        filled = fill_url(address, bench.provider.constants) if address else None
        assert told == (asking and Readiness(ready=True, onboarding_url=filled))

    def test_where_no_token_is_kept_the_platforms_key_is_enough(self, bench: Bench) -> None:
        needs(bench.declaration.readiness, NOT_TOLD_READY)
        needs(bench.declaration.use.platform, "the platform's own key opens no accounts")
        bench.visitor().link()
        told = bench.provider.readiness(held(bench).external_id, None)
        assert (told.ready, told.missing) == (True, ())

    def test_the_access_ends_when_the_provider_says(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
        bench.visitor().link()
        (grant,), (row,) = bench.sandbox.live_grants(), bench.rows("SELECT expires_at FROM connected_account")
        assert (row.expires_at is None) == (grant["expires_at"] is None)
        if row.expires_at is not None:
            kept = datetime.fromisoformat(row.expires_at).replace(tzinfo=UTC)
            assert abs(kept.timestamp() - grant["expires_at"]) < LATE

    def test_an_account_that_is_not_ready_says_why(self, bench: Bench) -> None:
        needs(bench.declaration.readiness, NOT_TOLD_READY)
        ready: tuple[Condition, ...] = bench.declaration.readiness.ready  # type: ignore[union-attr]
        reachable = [one for one in ready if not in_list(one.path)]
        needs(reachable, "what makes an account ready is in a list, into which no fault reaches")
        each(bench, reachable, lambda one: _is_not_ready(bench, one))

    def test_declared_currencies_are_taken_by_every_account(self, bench: Bench) -> None:
        needs(bench.declaration.currencies, "no currency besides an account's own is declared")
        for currency in bench.declaration.currencies:
            assert bench.provider.price_problem(100_000, currency, None) is None


def _is_not_ready(bench: Bench, condition: Condition) -> None:
    bench.visitor().link()
    grant = held(bench)
    with bench.sandbox.watched() as asked:
        bench.provider.readiness(grant.external_id, grant.access_token)
    *_, step = bench.sandbox.steps(asked)
    bench.sandbox.spoil(step, after=True, json_merge=nested(condition.path, another(condition.equals)))
    readiness = bench.provider.readiness(grant.external_id, grant.access_token)
    assert (readiness.ready, readiness.missing) == (False, (condition.path,))

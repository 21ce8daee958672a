"""The contract of an account's life: refreshing, giving back, readiness, messages of the provider."""

import re
import time
from dataclasses import replace
from typing import Any

import pytest

from connectapp.errors import GrantRefusedError, ProviderError
from connectapp.providers.interfaces import Grant, WebhookMessage
from connectapp.secret import Secret
from connectapp.testing.bench import WEBHOOK_SECRET, Bench


def held(bench: Bench) -> Grant:
    """The grant of the account that was just linked, as the provider knows it."""
    (grant,) = bench.sandbox.live_grants()
    return Grant(
        external_id=grant["external_id"],
        mode="test",
        scope=grant["scope"],
        access_token=Secret(grant["access_token"]),
        refresh_token=Secret(grant["refresh_token"]),
    )


class LifeContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_refreshing_keeps_its_rule(self, bench: Bench) -> None:
        rule, provider = bench.declaration.refresh.rule, bench.provider
        bench.visitor().link()
        first = held(bench)
        assert first.refresh_token
        if rule == "never":
            with pytest.raises(GrantRefusedError, match="refresh_impossible"):
                provider.refresh(refresh_token=first.refresh_token, redirect_uri=bench.callback)
            return
        second = provider.refresh(refresh_token=first.refresh_token, redirect_uri=bench.callback)
        assert second.access_token != first.access_token
        assert second.access_token.reveal() in {one["access_token"] for one in bench.sandbox.live_grants()}
        assert (second.refresh_token == first.refresh_token) == (rule == "same")
        third = provider.refresh(refresh_token=second.refresh_token, redirect_uri=bench.callback)
        assert third.access_token not in (first.access_token, second.access_token)

    def test_a_refresh_token_that_is_gone_is_refused(self, bench: Bench) -> None:
        if bench.declaration.refresh.rule == "never":
            return
        with pytest.raises(ProviderError):
            bench.provider.refresh(refresh_token=Secret("rt_gone"), redirect_uri=bench.callback)

    def test_disconnecting_gives_the_access_back(self, bench: Bench) -> None:
        visitor = bench.visitor()
        visitor.link()
        visitor.disconnect()
        assert bench.accounts() == []
        (row,) = bench.rows("SELECT access_token, refresh_token FROM connected_account")
        assert tuple(row) == (None, None)
        assert len(bench.sandbox.live_grants()) == (0 if bench.provider.revocable else 1)

    def test_giving_back_is_tried_until_it_is_confirmed(self, bench: Bench) -> None:
        if not bench.provider.revocable:
            return  # there is nothing to try
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
        visitor.disconnect()
        visitor.link()
        assert len(bench.accounts()) == 1

    def test_readiness_is_told_as_declared(self, bench: Bench) -> None:
        bench.visitor().link()
        grant = held(bench)
        readiness = bench.provider.readiness(grant.external_id, grant.access_token)
        assert (readiness is None) == (bench.declaration.readiness is None)
        if readiness is not None:
            assert readiness.ready

    def test_a_message_of_the_provider_is_believed(self, bench: Bench) -> None:
        message = self._message(bench)
        if message is None:
            return
        webhook, notice = bench.declaration.webhook, bench.provider.verify_webhook(message)
        assert notice.disconnected == bool(webhook.disconnected and notice.proven)  # type: ignore[union-attr]
        if webhook and webhook.account:
            assert notice.external_id == held(bench).external_id

    def test_a_message_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        webhook = bench.declaration.webhook
        if webhook is None or webhook.mode is None:
            return  # the provider does not say
        message = self._message(bench, livemode=True)
        with pytest.raises(GrantRefusedError, match="webhook_refused"):
            bench.provider.verify_webhook(message)

    def test_declared_currencies_are_taken_by_every_account(self, bench: Bench) -> None:
        for currency in bench.declaration.currencies:
            assert bench.provider.price_problem(100_000, currency, None) is None

    @pytest.mark.parametrize("forged", ["no signature", "another secret", "another body", "old", "from the future"])
    def test_a_forged_or_late_message_is_refused(self, bench: Bench, forged: str) -> None:
        message, webhook = self._message(bench), bench.declaration.webhook
        if message is None or webhook is None or webhook.algorithm == "reread":
            return  # nothing is proven, so nothing is believed
        changed = self._forged(bench, message, forged)
        if changed is None:
            return  # the scheme has no such thing
        with pytest.raises(GrantRefusedError, match="webhook_refused"):
            bench.provider.verify_webhook(changed)

    def _forged(self, bench: Bench, message: WebhookMessage, how: str) -> WebhookMessage | None:
        webhook: Any = bench.declaration.webhook
        if how == "no signature":
            return replace(message, headers={k: v for k, v in message.headers.items() if k != webhook.header.lower()})
        if how == "another secret":
            return self._message(bench, secret="whsec_of_somebody_else")  # noqa: S106 - forged
        if how == "another body":
            signs_it = webhook.algorithm != "token" and "{body}" in webhook.signed
            return replace(message, body=message.body + b" ") if signs_it else None
        if webhook.tolerance is None:
            return None
        off = webhook.tolerance + 1
        return replace(message, received_at=message.received_at + (off if how == "old" else -off))

    def _message(self, bench: Bench, **order: Any) -> WebhookMessage | None:
        """A message as the provider sends it; None if it sends none."""
        if bench.declaration.webhook is None:
            return None
        if not bench.sandbox.live_grants():
            bench.visitor().link()
        told: dict[str, Any] = {"provider": bench.name, "account": held(bench).external_id, "secret": WEBHOOK_SECRET}
        told |= {"url": f"https://app.test/connect/{bench.name}/webhook", "livemode": False}
        if not bench.declaration.webhook.disconnected:
            told["type"] = "something.else"
        made = bench.sandbox.control("POST", "webhooks", told | order)
        headers = {name.lower(): value for name, value in made["headers"].items()}
        said = re.search(rf"\b{bench.declaration.webhook.timestamp_element}=(\d+)", " ".join(headers.values()))
        at = float(said[1]) if said else time.time()  # to the second, so that the tolerance can be told from one more
        return WebhookMessage(made["body"].encode(), headers, made["query"], made["url"], at)

"""The contract of linking: the address, state and PKCE, the one redemption, the account's identity."""

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectapp.providers.effective import problems, scopes
from connectapp.providers.interfaces import Prefill
from connectapp.providers.templates import fill, fill_url
from connectapp.secret import Secret
from connectapp.testing.bench import Bench


def sent(url: str) -> dict[str, list[str]]:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def without(path: str, *names: str) -> str:
    """The same path without some of its parameters."""
    kept = [pair for pair in urlsplit(path).query.split("&") if pair.partition("=")[0] not in names]
    return f"{urlsplit(path).path}?{'&'.join(kept)}"


def redemptions(bench: Bench) -> int:
    """How often the token endpoint was asked."""
    return len(bench.sandbox.asked(fill_url(bench.declaration.token.url, bench.provider.constants)))


class LinkContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_the_browser_is_sent_where_the_declaration_says(self, bench: Bench) -> None:
        url = bench.visitor().leave()
        declared = fill_url(bench.declaration.authorize.url, bench.provider.constants)
        place = f"{bench.sandbox.url}/{declared.removeprefix('https://')}"
        assert url.partition("?")[0] == place.partition("?")[0]
        given = sent(url)
        names = bench.declaration.authorize.rename
        for name, value in (("client_id", bench.client_id), ("redirect_uri", bench.callback)):
            assert given[names.get(name, name)] == [value]  # type: ignore[call-overload]
        for name, fixed in bench.declaration.authorize.params.items():
            filled = fill(fixed, bench.provider.constants)
            assert given.get(name) == (None if filled is None else [str(filled)])

    def test_the_scope_is_the_declared_one(self, bench: Bench) -> None:
        given, declared = sent(bench.visitor().leave()), bench.declaration.scopes
        words = list(scopes(bench.declaration, bench.provider.settings))
        if declared.array:
            assert given["scope[]"] == words
        elif words:
            name = bench.declaration.authorize.rename.get("scope", "scope")
            assert given[name] == [declared.separator.join(words)]
        else:
            assert "scope" not in given

    def test_every_option_may_be_chosen(self, bench: Bench) -> None:
        provider = bench.provider
        for name, values in bench.declaration.authorize.options.items():
            for value in values:
                settings = replace(provider.settings, option={name: value})
                assert list(problems(provider.declaration, settings)) == []
                chosen = type(provider)(provider.declaration, settings, provider.client)
                verifier = Secret("v" * 43) if provider.uses_pkce else None
                url = chosen.authorize_url(
                    redirect_uri=bench.callback, state="s" * 43, code_verifier=verifier, prefill=Prefill()
                )
                assert sent(url)[name] == [value]

    def test_the_event_form_offers_it_if_it_takes_money(self, bench: Bench) -> None:
        form = bench.visitor().browser.get("/events/new").text
        assert (f'name="connect" value="{bench.name}"' in form) == bench.declaration.charges

    def test_each_state_is_new_and_random(self, bench: Bench) -> None:
        visitor, name = bench.visitor(), bench.provider.callback_names.state
        states = [sent(visitor.leave())[name] for _ in range(5)]
        assert len({state for (state,) in states}) == len(states)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", state) for (state,) in states)

    def test_an_account_is_linked_by_one_redemption(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path = visitor.approved()
        page = visitor.come_back(path)
        assert page.status_int == 200
        assert bench.attempts() == [("linked", None)]
        (account,), (grant,) = bench.accounts(), bench.sandbox.live_grants()
        assert account.external_id == grant["external_id"]
        assert redemptions(bench) == 1
        assert visitor.come_back(path).status_int == 200  # a reload
        assert redemptions(bench) == 1

    def test_what_is_told_of_the_account_is_kept(self, bench: Bench) -> None:
        bench.visitor().link()
        asking = bench.declaration.identify
        (row,) = bench.rows("SELECT display_name, country, currency, external_id FROM provider_account")
        assert row.display_name == ("Riverside" if asking.name else row.external_id)
        country = "GB" if asking.country else asking.defaults.get("country")
        currency = "gbp" if asking.currency else asking.defaults.get("currency")
        assert (row.country, row.currency) == (country, currency or asking.currency_of.get(country or ""))

    def test_the_first_name_that_there_is_counts(self, bench: Bench) -> None:
        names = bench.declaration.identify.name
        if any(part.isdecimal() for path in names for part in path.split(".")):
            return  # a fault cannot reach into a list
        visitor = bench.visitor()
        for number, path in enumerate(names):
            merged: dict[str, Any] = {}
            for earlier in names[:number]:
                merged = _merged(merged, nested(earlier, None))
            bench.sandbox.fault("account", after=True, json_merge=_merged(merged, nested(path, f"Name {number}")))
            visitor.link()
            shown = bench.rows("SELECT display_name FROM provider_account ORDER BY id")
            assert shown[-1].display_name == f"Name {number}"

    def test_the_currency_follows_from_the_country_as_declared(self, bench: Bench) -> None:
        visitor = bench.visitor()
        for country, currency in bench.declaration.identify.currency_of.items():
            account = bench.sandbox.control("POST", "accounts", {"business_name": country, "country": country})
            visitor.come_back(bench.sandbox.decide(visitor.leave(), account=account["id"]))
            found = bench.rows("SELECT currency FROM provider_account WHERE country = :country", country=country)
            assert [row.currency for row in found] == [currency]

    def test_what_is_kept_is_sealed(self, bench: Bench) -> None:
        bench.visitor().link()
        (grant,), (account,) = bench.sandbox.live_grants(), bench.accounts()
        kept = [bytes(value) for value in (account.access_token, account.refresh_token) if value is not None]
        assert kept
        for token in (grant["access_token"], grant["refresh_token"]):
            assert not any(token.encode() in value for value in kept)

    def test_an_answer_without_its_state_does_nothing(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path, name = visitor.approved(), bench.provider.callback_names.state
        for changed in (without(path, name), f"{without(path, name)}&{name}=", f"{without(path, name)}&{name}=x"):
            assert visitor.come_back(changed).status_int == 400
        assert (redemptions(bench), bench.accounts()) == (0, [])

    def test_another_browser_cannot_finish(self, bench: Bench) -> None:
        path = bench.visitor().approved()
        assert bench.visitor().come_back(path).status_int >= 400
        assert (redemptions(bench), bench.accounts()) == (0, [])

    def test_a_state_is_good_once(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path, names = visitor.approved(), bench.provider.callback_names
        if not names.code:
            return  # there is no code that could come in a second answer
        denied = f"{without(path, names.code)}&error={sorted(bench.provider.denied)[0]}"
        visitor.come_back(denied)
        visitor.come_back(path)
        assert bench.attempts() == [("denied", "access_denied")]
        assert (redemptions(bench), bench.accounts()) == (0, [])

    def test_a_no_is_told_and_stores_nothing(self, bench: Bench) -> None:
        visitor = bench.visitor()
        page = visitor.come_back(visitor.approved("deny"))
        assert page.status_int == 200
        assert bench.attempts() == [("denied", "access_denied")]
        assert (redemptions(bench), bench.sandbox.live_grants()) == (0, [])

    def test_pkce_is_used_as_declared(self, bench: Bench) -> None:
        visitor = bench.visitor()
        url = visitor.leave()
        visitor.come_back(bench.sandbox.decide(url))
        challenge = sent(url).get("code_challenge")
        (asked,) = bench.sandbox.asked(fill_url(bench.declaration.token.url, bench.provider.constants))
        verifier = re.search(r'code_verifier"?[=:]\s*"?([A-Za-z0-9._~-]{43,128})', asked["body"] + asked["query"])
        if bench.declaration.pkce == "none":
            assert (challenge, verifier) == (None, None)
        else:
            assert verifier
            digest = hashlib.sha256(verifier[1].encode()).digest()
            assert challenge == [base64.urlsafe_b64encode(digest).decode().rstrip("=")]
            assert sent(url)["code_challenge_method"] == ["S256"]

    def test_secrets_go_to_the_declared_hosts_alone(self, bench: Bench) -> None:
        visitor = bench.visitor()
        visitor.link()
        visitor.disconnect()
        hosts = declared_hosts(bench)
        for request in bench.sandbox.ledger()["requests"]:
            assert request["host"] in hosts
            assert bench.secret not in request["path"] + request["query"]

    def test_another_account_than_the_answer_said_is_refused(self, bench: Bench) -> None:
        account = bench.declaration.identify.id[0]
        other = "X" + bench.sandbox.control("POST", "accounts", {"business_name": "Other"})["id"]
        bench.sandbox.fault("account", after=True, json_merge=nested(account, other))
        bench.visitor().link()
        if bench.declaration.token.answer.account or bench.declaration.callback.account:
            assert bench.accounts() == []
            assert bench.attempts()[0][0] in {"refused", "failed"}
            if bench.provider.revocable:
                assert bench.sandbox.live_grants() == []


def _merged(one: dict[str, Any], other: Any) -> dict[str, Any]:
    """Both objects in one."""
    both = dict(one)
    for name, value in other.items():
        both[name] = _merged(both[name], value) if isinstance(both.get(name), dict) else value
    return both


def nested(path: str, value: Any) -> Any:
    """An object with a value at a path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def declared_hosts(bench: Bench) -> set[str]:
    """Every host that the declaration names, in its mode."""
    declaration = bench.declaration
    parts = [declaration.authorize, declaration.token, declaration.refresh, declaration.identify, declaration.readiness]
    urls = [part.url for part in (*parts, declaration.revoke) if part is not None and not isinstance(part, str)]
    values = {"account": "x", **bench.provider.constants}
    return {urlsplit(fill_url(url, values)).netloc for url in urls if url}

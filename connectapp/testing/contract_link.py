"""The contract of linking: where the browser is sent, the one confirmation, what is kept, where secrets go."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from connectapp.providers.effective import problems, scopes
from connectapp.providers.interfaces import Prefill
from connectapp.providers.templates import fill, fill_url
from connectapp.secret import Secret
from connectapp.testing.asking import (
    NO_ADDRESS,
    NO_ID,
    another,
    declared_hosts,
    each,
    in_list,
    merged,
    needs,
    nested,
    redemptions,
    sent,
    with_id,
)
from connectapp.testing.bench import Bench


class LinkContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_the_browser_is_sent_where_the_declaration_says(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_ADDRESS)
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
        needs(not bench.onboards, NO_ADDRESS)
        _has_scope(bench, bench.visitor().leave(), scopes(bench.declaration, bench.provider.settings))

    def test_every_set_of_scopes_may_be_chosen(self, bench: Bench) -> None:
        presets = bench.declaration.scopes.presets
        needs(presets, "there are no scopes to choose")
        for name in presets:
            chosen = bench.provider_with(scope=name)
            words = scopes(bench.declaration, chosen.settings)
            assert chosen.scope == " ".join(words)
            if not bench.onboards:
                _has_scope(bench, _address(bench, chosen), words)

    def test_every_option_may_be_chosen(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_ADDRESS)
        options = bench.declaration.authorize.options
        needs(options, "there are no options to choose")
        for name, value in ((name, value) for name, values in options.items() for value in values):
            chosen = bench.provider_with(option={name: value})
            assert list(problems(chosen.declaration, chosen.settings)) == []
            assert sent(_address(bench, chosen))[name] == [value]

    def test_a_key_of_the_other_mode_is_refused(self, bench: Bench) -> None:
        modes = bench.declaration.modes.key_prefixes
        needs(modes, "keys do not tell the mode")
        for start, mode in modes.items():
            other = bench.provider_with(client_secret=Secret(f"{start}0123456789"))
            told = problems(other.declaration, other.settings)
            refused = any(".client_secret is a " in line for line in told)
            assert refused == (mode != bench.provider.mode), start

    def test_the_event_form_offers_it_if_it_takes_money(self, bench: Bench) -> None:
        form = bench.visitor().browser.get("/events/new").text
        assert (f'name="connect" value="{bench.name}"' in form) == bench.declaration.charges

    def test_an_account_is_linked_by_one_confirmation(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path = visitor.approved()
        assert visitor.come_back(path).status_int == 200
        assert bench.attempts() == [("linked", None)]
        (account,), (grant,) = bench.accounts(), bench.sandbox.live_grants()
        assert account.external_id == grant["external_id"]
        assert bench.onboards or redemptions(bench) == 1
        with bench.sandbox.watched() as asked:
            for _ in range(3):  # reloads
                assert visitor.come_back(path).status_int == 200
        assert (asked, bench.attempts()) == ([], [("linked", None)])
        assert [one.id for one in bench.accounts()] == [account.id]

    def test_what_is_told_of_the_account_is_kept(self, bench: Bench) -> None:
        bench.visitor().link()
        asking = bench.declaration.identify
        (row,) = bench.rows("SELECT display_name, country, currency, external_id FROM provider_account")
        assert row.display_name == ("Riverside" if asking.name else row.external_id)
        country = "GB" if asking.country else asking.defaults.get("country")
        currency = "gbp" if asking.currency else asking.defaults.get("currency")
        assert (row.country, row.currency) == (country, currency or asking.currency_of.get(country or ""))

    def test_whether_it_takes_money_is_kept(self, bench: Bench) -> None:
        charges = bench.declaration.identify.charges
        needs(charges, "accounts do not tell whether they take money")
        assert charges is not None
        needs(not in_list(charges.path), "whether an account takes money is in a list, into which no fault reaches")
        step, visitor = bench.trip.confirm[-1], bench.visitor()
        visitor.link()
        bench.sandbox.spoil(step, after=True, json_merge=nested(charges.path, another(charges.equals)))
        visitor.link()
        kept = bench.rows("SELECT charges_enabled FROM provider_account ORDER BY id")
        assert [bool(row.charges_enabled) for row in kept] == [True, False]

    def test_the_first_name_that_there_is_counts(self, bench: Bench) -> None:
        names = bench.declaration.identify.name
        needs(names, "accounts have no names")
        needs(not any(map(in_list, names)), "a name in a list, into which no fault reaches")
        step, visitor = bench.trip.confirm[-1], bench.visitor()
        for number, path in enumerate(names):
            lacking: dict[str, Any] = {}
            for earlier in names[:number]:
                lacking = merged(lacking, nested(earlier, None))
            shown = merged(lacking, nested(path, f"Name {number}"))
            bench.sandbox.spoil(step, after=True, json_merge=shown)
            visitor.link()
            kept = bench.rows("SELECT display_name FROM provider_account ORDER BY id")
            assert kept[-1].display_name == f"Name {number}"

    def test_the_currency_follows_from_the_country_as_declared(self, bench: Bench) -> None:
        needs(bench.declaration.identify.currency_of, "the currency does not follow from the country")
        visitor = bench.visitor()
        for country, currency in bench.declaration.identify.currency_of.items():
            account = bench.sandbox.control("POST", "accounts", {"business_name": country, "country": country})
            visitor.come_back(bench.sandbox.decide(visitor.leave(), account=account["id"]))
            found = bench.rows("SELECT currency FROM provider_account WHERE country = :country", country=country)
            assert [row.currency for row in found] == [currency]

    def test_what_is_kept_is_sealed(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path = visitor.approved()
        visitor.come_back(path)
        (account,), names = bench.accounts(), bench.provider.callback_names
        tokens = [value for value in (account.access_token, account.refresh_token) if value is not None]
        assert bool(tokens) != bench.onboards  # who is onboarded gives no token
        given = sent(path)
        passed = {given[name][0] for name in (names.state, names.code) if name}
        kept = bench.everything()
        assert account.external_id in kept
        assert not [secret for secret in {*bench.secrets, *bench.sandbox.tokens(), *passed} if secret in kept]

    def test_secrets_go_to_the_declared_hosts_alone(self, bench: Bench) -> None:
        visitor = bench.visitor()
        url = visitor.leave()
        visitor.come_back(bench.sandbox.decide(url))
        visitor.disconnect()
        page = urlsplit(url).path.split("/")[1]  # the sandbox has the host in front of the path
        secrets, hosts = {*bench.secrets, *bench.sandbox.tokens()}, declared_hosts(bench)
        for request in bench.sandbox.ledger()["requests"]:
            address = unquote(f"{request['path']}?{request['query']}")
            assert request["host"] in {page, *hosts}
            assert not [secret for secret in bench.secrets if secret in address]
            told = (address, request["body"], *request["headers"].values())
            assert request["host"] in hosts or not [one for one in secrets if any(one in text for text in told)]

    def test_another_account_than_the_one_that_came_is_refused(self, bench: Bench) -> None:
        declaration = bench.declaration
        needs(declaration.identify.id, NO_ID)
        named = bench.onboards or declaration.token.answer.account or declaration.callback.account
        needs(named, "nothing but `identify` names the account")
        steps = bench.trip.confirm if bench.onboards else bench.trip.confirm[-1:]
        each(bench, steps, lambda step: _is_refused(bench, step))


def _is_refused(bench: Bench, step: Any) -> None:
    bench.visitor().link()
    (theirs,) = bench.accounts()
    bench.sandbox.spoil(step, **with_id(bench, theirs.external_id))
    bench.visitor().link()
    assert [one.id for one in bench.accounts()] == [theirs.id]
    assert bench.attempts()[1] in {("refused", "identity_mismatch"), ("failed", "identity_mismatch")}
    if bench.provider.revocable:
        assert [one["external_id"] for one in bench.sandbox.live_grants()] == [theirs.external_id]


def _has_scope(bench: Bench, url: str, words: Sequence[str]) -> None:
    given, declared = sent(url), bench.declaration.scopes
    if declared.array:
        assert given["scope[]"] == list(words)
    elif words:
        name = bench.declaration.authorize.rename.get("scope", "scope")
        assert given[name] == [declared.separator.join(words)]
    else:
        assert "scope" not in given


def _address(bench: Bench, provider: Any) -> str:
    """Where a provider that is set up in another way would send a browser."""
    there = provider.at(bench.tenant)
    verifier = Secret("v" * 43) if there.uses_pkce else None
    url: str = there.authorize_url(
        redirect_uri=bench.callback, state="s" * 43, code_verifier=verifier, prefill=Prefill()
    )
    return url

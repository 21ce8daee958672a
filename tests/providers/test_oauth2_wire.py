"""The generic provider after the link: whose token it is, and taking it back, with everything that can go wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectapp.errors import GrantRefusedError, MalformedAnswerError, OutcomeUnknownError, ProviderError
from connectapp.oauth.transport import map_url
from connectapp.providers.interfaces import Grant, Prefill
from connectapp.providers.registry import get_providers
from connectapp.secret import Secret
from tests.support.rows import plugins
from tests.support.sandbox import Other, settings_of
from tests.support.site import Site

REDIRECT_URI = "https://app.test/connect/iss/callback"
VERIFIER = Secret("v" * 43)


@dataclass
class Linked:
    """A grant of the provider ``iss``."""

    other: Other
    provider: Any
    grant: Grant
    token: Secret

    @property
    def live(self) -> bool:
        return self.token.reveal() in {grant["access_token"] for grant in self.other.sandbox.live_grants()}

    def fault(self, endpoint: str, **fault: Any) -> None:
        self.other.sandbox.fault(endpoint=f"iss.{endpoint}", **fault)


@pytest.fixture
def linked(make_site: Callable[..., Site]) -> Iterator[Linked]:
    with plugins():
        site = make_site(**settings_of("iss"))
        provider: Any = get_providers(site.registry)["iss"]
        url = provider.authorize_url(
            redirect_uri=REDIRECT_URI, state="s" * 43, code_verifier=VERIFIER, prefill=Prefill()
        )
        other = Other(site.sandbox, "iss")
        (code,) = parse_qs(urlsplit(other.back(map_url(url, {"*": site.sandbox.url}))).query)["code"]
        grant = provider.redeem(code=Secret(code), redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
        yield Linked(other, provider, grant, grant.access_token)


def test_the_token_tells_whose_it_is(linked: Linked) -> None:
    identity = linked.provider.identify(linked.grant)
    assert linked.grant.external_id is None
    (grant,) = linked.other.sandbox.live_grants()
    assert (identity.external_id, identity.proof) == (grant["account"], "token")
    assert (identity.display_name, identity.country, identity.currency) == ("Riverside", "GB", "gbp")
    (asked,) = linked.other.requests("/account")
    assert asked["headers"]["Authorization"] == f"Bearer {linked.token.reveal()}"


@pytest.mark.parametrize(
    ("fault", "failure", "code"),
    [
        ({"status": 500}, OutcomeUnknownError, "no_answer"),
        ({"status": 429}, OutcomeUnknownError, "no_answer"),
        ({"close_after": 0}, OutcomeUnknownError, "no_answer"),
        ({"status": 401}, GrantRefusedError, "identity_refused"),
        ({"status": 404}, GrantRefusedError, "identity_refused"),
        ({"status": 400}, MalformedAnswerError, "malformed_answer"),
        ({"status": 200, "body": "[]"}, MalformedAnswerError, "malformed_answer"),
        ({"status": 200, "body": "<html>"}, MalformedAnswerError, "malformed_answer"),
        ({"after": True, "json_merge": {"id": None}}, MalformedAnswerError, "malformed_answer"),
        ({"after": True, "json_merge": {"id": ["a"]}}, MalformedAnswerError, "malformed_answer"),
        ({"after": True, "json_merge": {"country": "Britain"}}, MalformedAnswerError, "malformed_answer"),
        ({"after": True, "json_merge": {"currency": 826}}, MalformedAnswerError, "malformed_answer"),
    ],
)
def test_an_answer_that_names_nobody_is_an_error(
    linked: Linked, fault: dict[str, Any], failure: type[ProviderError], code: str
) -> None:
    linked.fault("account", **fault)
    with pytest.raises(failure) as caught:
        linked.provider.identify(linked.grant)
    assert caught.value.code == code
    assert len(linked.other.requests("/account")) == 1


@pytest.mark.parametrize("name", [None, "", 7, "a\x00b"])
def test_a_name_that_cannot_be_shown_is_replaced_by_the_id(linked: Linked, name: object) -> None:
    linked.fault("account", after=True, json_merge={"name": name})
    identity = linked.provider.identify(linked.grant)
    assert identity.display_name == identity.external_id


def test_another_account_than_the_token_answer_said_is_refused(linked: Linked) -> None:
    with pytest.raises(GrantRefusedError, match="identity_mismatch"):
        linked.provider.identify(replace(linked.grant, external_id="acct_other"))


def test_without_a_token_nobody_is_asked(linked: Linked) -> None:
    with pytest.raises(MalformedAnswerError, match="not_verified"):
        linked.provider.identify(linked.grant.without_tokens())
    assert linked.other.requests("/account") == []


def test_a_token_is_taken_back_once_and_may_be_again(linked: Linked) -> None:
    assert linked.live
    linked.provider.revoke(None, linked.token)
    assert not linked.live
    linked.provider.revoke(None, linked.token)
    first, _ = linked.other.requests("/oauth/revoke")
    assert first["method"] == "POST"
    assert parse_qs(first["body"])["token"] == [linked.token.reveal()]
    assert first["headers"]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"status": 503}, OutcomeUnknownError),
        ({"close_after": 0}, OutcomeUnknownError),
        ({"status": 400}, MalformedAnswerError),
        ({"redirect": "https://evil.example/"}, OutcomeUnknownError),
    ],
)
def test_a_revocation_that_was_not_confirmed_is_an_error(
    linked: Linked, fault: dict[str, Any], failure: type[ProviderError]
) -> None:
    linked.fault("revoke", **fault)
    with pytest.raises(failure):
        linked.provider.revoke(None, linked.token)
    assert linked.live


def test_what_cannot_be_taken_back_is_said(linked: Linked) -> None:
    with pytest.raises(GrantRefusedError, match="revocation_impossible"):
        linked.provider.revoke("acct_1", None)
    assert linked.other.requests("/oauth/revoke") == []

"""The contract of coming back: the state belongs to one browser and is good once; a no; PKCE."""

import base64
import hashlib
import re

from connectapp.providers.templates import fill_url
from connectapp.testing.asking import NO_CODE, needs, redemptions, replaced, sent, without
from connectapp.testing.bench import Bench


class ReturnContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_each_state_is_new_and_random(self, bench: Bench) -> None:
        visitor, name = bench.visitor(), bench.provider.callback_names.state
        states = [sent(visitor.approved())[name] for _ in range(5)]
        assert len({state for (state,) in states}) == len(states)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", state) for (state,) in states)

    def test_an_answer_without_its_state_does_nothing(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path, name = visitor.approved(), bench.provider.callback_names.state
        bare = without(path, name)
        with bench.sandbox.watched() as asked:
            for changed in (bare, f"{bare}&{name}=", f"{bare}&{name}=x", f"{bare}&{name}={'s' * 43}"):
                assert visitor.come_back(changed).status_int == 400
        assert (asked, bench.accounts(), bench.attempts()) == ([], [], [("pending", None)])

    def test_another_browser_cannot_finish(self, bench: Bench) -> None:
        visitor = bench.visitor()
        path = visitor.approved()
        for other in (bench.visitor(), bench.stranger()):
            with bench.sandbox.watched() as asked:
                assert other.come_back(path).status_int == 403
            assert (asked, bench.accounts(), bench.attempts()) == ([], [], [("pending", None)])
        visitor.come_back(path)
        assert bench.attempts() == [("linked", None)]

    def test_another_account_that_the_browser_names_is_refused(self, bench: Bench) -> None:
        named = bench.provider.callback_names.account
        needs(named, "returns do not name the account")
        victim, visitor = bench.visitor(), bench.visitor()
        victim.link()
        (theirs,) = bench.accounts()
        path = visitor.approved()
        visitor.come_back(replaced(path, {str(named): theirs.external_id}))
        visitor.come_back(path)  # the true one comes too late
        assert bench.attempts()[1][0] in {"failed", "refused"}
        assert [one.id for one in bench.accounts()] == [theirs.id]

    def test_a_state_is_good_once(self, bench: Bench) -> None:
        names = bench.provider.callback_names
        needs(names.code, NO_CODE)
        visitor = bench.visitor()
        url = visitor.leave()
        denied, path = bench.sandbox.decide(url, "deny"), bench.sandbox.decide(url)
        visitor.come_back(denied)
        with bench.sandbox.watched() as asked:
            visitor.come_back(path)
        assert bench.attempts() == [("denied", "access_denied")]
        assert (asked, bench.accounts()) == ([], [])

    def test_a_no_is_told_and_stores_nothing(self, bench: Bench) -> None:
        needs(bench.provider.callback_names.code, NO_CODE)
        visitor = bench.visitor()
        page = visitor.come_back(visitor.approved("deny"))
        assert page.status_int == 200
        assert bench.attempts() == [("denied", "access_denied")]
        assert (redemptions(bench), bench.sandbox.live_grants()) == (0, [])

    def test_pkce_is_used_as_declared(self, bench: Bench) -> None:
        needs(not bench.onboards, NO_CODE)
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

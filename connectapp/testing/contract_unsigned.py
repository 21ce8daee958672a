"""The contract of providers that onboard, when people come back: nothing that the browser brings has a signature, so
that none of it is believed. The API says what came of it."""

from typing import Any

from connectapp.testing.asking import NO_LINK, each, needs, odd_answers, replaced, sent
from connectapp.testing.bench import Bench
from connectapp.testing.counterpart import Step

NOT_FINISHED = ("failed", "not_finished")
#: How a return might say that all went well.
SUCCESS = dict.fromkeys(("success", "permissionsGranted", "consentStatus", "details_submitted"), "true")
SUCCESS |= {"code": "0123456789", "status": "success"}
#: What a return might call an account.
NAMES = {"account", "account_id", "external_id", "merchant_id", "stripe_user_id"}


class UnsignedContract:
    """See `connectapp.testing.contract.ProviderContract`."""

    def test_what_is_not_finished_is_told_and_goes_on(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        deny = ["deny"] if bench.sandbox.offers(bench.visitor().leave(), "deny") else []
        each(bench, ["leave", *deny], lambda action: _goes_on(bench, action))

    def test_a_return_proves_nothing(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        victim, visitor, state = bench.visitor(), bench.visitor(), bench.provider.callback_names.state
        success = victim.approved()
        victim.come_back(success)
        (theirs,) = bench.accounts()
        told = {name: values[0] for name, values in sent(success).items() if name != state}
        forged = SUCCESS | dict.fromkeys(NAMES, theirs.external_id) | told
        page = visitor.come_back(replaced(visitor.approved("leave"), forged))
        assert page.status_int == 200
        assert bench.attempts()[1] == NOT_FINISHED
        assert [one.id for one in bench.accounts()] == [theirs.id]

    def test_what_else_a_return_says_counts_for_nothing(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        victim, visitor = bench.visitor(), bench.visitor()
        victim.link()
        (theirs,) = bench.accounts()
        own = visitor.approved()
        visitor.come_back(replaced(own, dict.fromkeys(NAMES - sent(own).keys(), theirs.external_id)))
        (mine,) = (one.external_id for one in bench.accounts() if one.id != theirs.id)
        assert bench.attempts()[1] == ("linked", None)
        assert mine != theirs.external_id

    def test_a_return_that_lacks_its_account_links_nothing(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        named = bench.provider.callback_names.account
        needs(named, "returns do not name the account")
        visitor = bench.visitor()
        visitor.come_back(replaced(visitor.approved(), {str(named): ""}))
        assert (bench.attempts(), bench.accounts()) == ([NOT_FINISHED], [])

    def test_what_failed_is_not_taken_up_again(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        visitor = bench.visitor()
        path = visitor.approved("leave")
        visitor.come_back(path)
        visitor.approved()  # finished there, by another link
        with bench.sandbox.watched() as asked:
            assert "not finished yet" in visitor.come_back(path).text
        assert (asked, bench.accounts()) == ([], [])
        assert bench.attempts() == [NOT_FINISHED, ("pending", None)]

    def test_neither_another_session_nor_another_person_can_finish(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        email, visitor, elsewhere = bench.person(), bench.stranger(), bench.stranger()
        visitor.sign_in(email)
        elsewhere.sign_in(email)
        path = visitor.approved()
        visitor.submit("/signout")
        visitor.sign_in(bench.person())
        for browser in (elsewhere, visitor):
            with bench.sandbox.watched() as asked:
                assert browser.come_back(path).status_int == 403
            assert (asked, bench.accounts(), bench.attempts()) == ([], [], [("pending", None)])

    def test_an_account_of_the_other_mode_is_not_gone_on_with(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        visitor = bench.visitor()
        visitor.come_back(visitor.approved("leave"))
        ((made,),) = bench.rows("SELECT external_id FROM attempt")
        needs(made, "no account is made before somebody comes")
        bench.change("UPDATE attempt SET mode = 'live'")
        visitor.link()
        (account,) = bench.accounts()
        assert account.external_id != made

    def test_nonsense_in_an_answer_links_no_other_account(self, bench: Bench) -> None:
        needs(bench.onboards, NO_LINK)
        visitor = bench.visitor()
        path = visitor.approved()
        with bench.sandbox.watched() as asked:
            visitor.come_back(path)
        each(bench, odd_answers(bench, bench.sandbox.steps(asked)), lambda case: _is_linked_or_not(bench, *case))


def _goes_on(bench: Bench, action: str) -> None:
    before = len(bench.sandbox.ledger()["accounts"])
    visitor = bench.visitor()
    page = visitor.come_back(visitor.approved(action))
    assert page.status_int == 200
    assert "not finished yet" in page.text
    assert (bench.attempts(), bench.accounts()) == ([NOT_FINISHED], [])
    visitor.link()
    assert bench.attempts() == [NOT_FINISHED, ("linked", None)]
    assert action == "deny" or len(bench.sandbox.ledger()["accounts"]) == before + 1


def _is_linked_or_not(bench: Bench, step: Step, changed: Any) -> None:
    visitor = bench.visitor()
    path = visitor.approved()
    bench.sandbox.spoil(step, after=True, json_merge=changed)
    assert visitor.come_back(path).status_int < 500
    own = {grant["external_id"] for grant in bench.sandbox.live_grants()}
    assert {one.external_id for one in bench.accounts()} <= own
    assert len(own) == 1

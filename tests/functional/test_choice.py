"""One access that opens several accounts: the organizer chooses one of them on a page, or none."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from connectapp.connect.recovery import recovery_of
from connectapp.testing.bench import Bench, Visitor

SEVERAL = """
name = "several"
title = "Several"
charges = true

[modes]
by = "none"

[authorize]
url = "https://several.example/authorize"

[token]
url = "https://several.example/token"

[identify]
url = "https://several.example/memberships"
id = "memberships.0.code"
choices = { list = "memberships", id = "code", name = "company" }

[revoke]
url = "https://several.example/revoke"
params = { token = "{access_token}" }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("several")
    (directory / "several.toml").write_text(SEVERAL)
    made = Bench("several", directory, {"file": str(directory / "several.toml")})
    yield made
    made.close()


@pytest.fixture
def several(made: Bench) -> Bench:
    """A provider at which one person has three accounts."""
    made.clear()
    for name in ("Riverside Hall", "Riverside Bar", "Riverside Park"):
        made.sandbox.control("POST", "accounts", {"business_name": name, "email": "o@riverside.example"})
    return made


def asked(bench: Bench, visitor: Visitor) -> str:
    """Approve with the first of the accounts, and come back to the question; gives the attempt's id."""
    account = next(one for one in bench.sandbox.ledger()["accounts"] if one["business_name"] == "Riverside Hall")
    page = visitor.come_back(bench.sandbox.decide(visitor.leave(), account=account["id"]))
    assert "Which account?" in page.text
    assert [unescape(name) for name in re.findall(r"<bdi>(Riverside [^<]+)</bdi>", page.text)] == [
        "Riverside Hall",
        "Riverside Bar",
        "Riverside Park",
    ]
    found = re.search(r'name="attempt" value="([^"]+)"', page.text)
    assert found
    assert bench.accounts() == []
    assert bench.attempts() == [("awaiting_confirmation", "choose_account")]
    return found[1]


def choose(visitor: Visitor, attempt: str, **fields: str) -> int:
    path = f"/connect/{visitor.bench.name}/confirm"
    return visitor.submit(path, attempt=attempt, **{"decision": "choose", **fields}).status_int


def test_the_chosen_account_is_linked(several: Bench) -> None:
    visitor = several.visitor()
    attempt = asked(several, visitor)
    assert choose(visitor, attempt, account="1") == 303
    assert several.attempts() == [("linked", None)]
    (account,) = several.accounts()
    (named,) = several.rows("SELECT display_name FROM provider_account")
    assert named[0] == "Riverside Bar"
    assert choose(visitor, attempt, account="2") == 400  # it is settled
    assert [one.id for one in several.accounts()] == [account.id]


@pytest.mark.parametrize("fields", [{"account": "3"}, {"account": "-1"}, {"account": ""}, {"account": "x"}, {}])
def test_what_is_not_on_the_list_cannot_be_chosen(several: Bench, fields: dict[str, str]) -> None:
    visitor = several.visitor()
    attempt = asked(several, visitor)
    assert choose(visitor, attempt, **fields) == 400
    assert several.accounts() == []
    assert several.attempts() == [("awaiting_confirmation", "choose_account")]


def test_the_question_cannot_be_confirmed_as_a_replacement(several: Bench) -> None:
    visitor = several.visitor()
    assert choose(visitor, asked(several, visitor), decision="replace") == 400
    assert several.accounts() == []


def test_nobody_else_can_choose(several: Bench) -> None:
    attempt = asked(several, several.visitor())
    assert choose(several.visitor(), attempt, account="0") == 400
    assert several.accounts() == []


def test_whoever_chooses_none_gives_the_access_back(several: Bench) -> None:
    visitor = several.visitor()
    attempt = asked(several, visitor)
    assert choose(visitor, attempt, decision="keep") == 303
    assert several.attempts() == [("refused", "not_chosen")]
    assert (several.accounts(), several.sandbox.live_grants()) == ([], [])


def test_whoever_never_chooses_gives_the_access_back_in_time(several: Bench) -> None:
    asked(several, several.visitor())
    engine = several.app.registry["connectapp.engine"]
    with engine.connect().execution_options(connectapp_writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE attempt SET expires_at = '2020-01-01 00:00:00.000000'")
    recovery_of(several.app.registry).sweep()
    assert several.attempts() == [("refused", "not_confirmed")]
    assert several.sandbox.live_grants() == []


def test_one_account_is_not_asked_about(several: Bench, tmp_path: Path) -> None:
    page = several.visitor().link()
    assert "Connected" in page.text
    assert several.attempts() == [("linked", None)]


@pytest.mark.parametrize("listed", ["[]", "7", "{}", '[{"company": "no code"}]', '[{"code": [], "company": "x"}]'])
def test_a_list_that_is_none_is_refused(several: Bench, listed: str) -> None:
    several.sandbox.fault("account", status=200, body=f'{{"memberships": {listed}}}')
    several.visitor().link()
    assert (several.accounts(), several.sandbox.live_grants()) == ([], [])
    assert several.attempts()[0][0] == "refused"

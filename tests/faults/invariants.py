"""What must be true after every fault, whatever it was."""

from collections import Counter
from pathlib import Path

from connectapp.connect.attempts import Status
from tests.support.canaries import found, on_disk, secrets_of
from tests.support.site import Site

OPEN = {Status.PENDING, Status.AWAITING_CONFIRMATION}
# What a grant that nobody stored must have left for the organizer and the admin to see.
ALARMS = {Status.OUTCOME_UNKNOWN}


def check(site: Site, directory: Path, *urls: str) -> None:
    """After recovery: nothing twice, nothing lost, nothing unsaid, nothing in clear.

    :param directory: of the database, the journal, the keys and the logs of the processes. :param urls: addresses of
        callbacks, whose codes and states are secret.
    """
    _each_code_once(site)
    _grants_and_accounts_agree(site)
    _links_belong_to_who_began(site)
    _everything_is_recorded_once(site)
    assert list((directory / "journal").glob("*.entry")) == [], "recovery left an entry"
    assert found(secrets_of(site, *urls), on_disk(site, directory)) == []


def _each_code_once(site: Site) -> None:
    counts = Counter(code["redemptions"] for code in site.sandbox.ledger()["codes"])
    assert set(counts) <= {0, 1}, counts
    assert site.sandbox.redemptions() == counts[1]


def _grants_and_accounts_agree(site: Site) -> None:
    """Every live grant has its account, or an attempt that says so; every active account has its live grant."""
    granted = Counter(grant["account"] for grant in site.sandbox.live_grants())
    active = {account.external_id for account in site.accounts() if account.status == "active"}
    assert active <= set(granted)
    orphans = sum(count for account, count in granted.items() if account not in active)
    unknown = [attempt for attempt in site.attempts() if attempt.status in ALARMS | OPEN]
    assert orphans <= len(unknown), "a grant that nobody knows of"


def _links_belong_to_who_began(site: Site) -> None:
    linked = {
        (attempt.account_id, attempt.organizer_id, attempt.user_id)
        for attempt in site.attempts()
        if attempt.status == Status.LINKED
    }
    for account in site.accounts():
        assert (account.id, account.organizer_id, account.linked_by) in linked


def _everything_is_recorded_once(site: Site) -> None:
    """Each beginning, each end and each link has one record; and what ended keeps nothing of the trip."""
    records = Counter((row.subject, row.action) for row in site.rows("SELECT subject, action FROM audit_record"))
    for attempt in site.attempts():
        subject = f"attempt:{attempt.id}"
        assert records[subject, "attempt.begun"] == 1
        if attempt.status in OPEN:
            continue
        assert (attempt.verifier, attempt.grant) == (None, None)
        if attempt.status != Status.LINKED:
            assert records[subject, f"attempt.{attempt.status}"] == 1, attempt.status
    for account in site.accounts():
        assert records[f"connected_account:{account.id}", "account.linked"] == 1

"""What the journal holds of an attempt: the grant, and what is to become of it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from connectapp.accounts.grants import dump_grant, load_grant
from connectapp.connect.attempts import AttemptFacts, Status
from connectapp.db import utcnow
from connectapp.journal import Entry
from connectapp.providers.interfaces import Grant
from connectapp.secret import Secret
from connectapp.vault import Binding


@dataclass(frozen=True)
class Record:
    """What is to be done with a grant: link it, or take it back.

    :param noted_at: when the provider answered.
    :param ending: None while it is to be linked; else the status in which the attempt ends, with its `reason`.
    """

    grant: Grant
    noted_at: datetime
    ending: Status | None = None
    reason: str | None = None


def note(grant: Grant) -> Record:
    """A record of a grant that has just come."""
    return Record(grant, utcnow())


def to_revoke(record: Record, ending: Status, reason: str) -> Record:
    """The same grant, to be taken back."""
    return replace(record, ending=ending, reason=reason)


def write(entry: Entry, facts: AttemptFacts, record: Record) -> None:
    """Put the record on disk; it is safe when this returns.

    :raises OSError: if the disk refuses.
    """
    entry.write(_binding(facts), Secret(_dump(record)))


def read(entry: Entry, facts: AttemptFacts) -> Record | None:
    """The record; None if the answer never came.

    :raises UnreadableError: if it was altered or its key is not in the ring.
    """
    text = entry.read(_binding(facts))
    return None if text is None else _load(text.reveal())


def _binding(facts: AttemptFacts) -> Binding:
    return Binding("journal", facts.id, facts.organizer_id, facts.provider, facts.mode, "record")


def _dump(record: Record) -> str:
    head = {"noted_at": record.noted_at.isoformat(), "ending": record.ending, "reason": record.reason}
    return json.dumps(head | {"grant": dump_grant(record.grant)})


def _load(text: str) -> Record:
    values = json.loads(text)
    ending = values["ending"] and Status(values["ending"])
    return Record(load_grant(values["grant"]), datetime.fromisoformat(values["noted_at"]), ending, values["reason"])

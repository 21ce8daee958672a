"""What the sandbox knows and has seen: accounts, codes, grants, revocations, payments, mails and every request."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any

from connectapp.sandbox.records import (
    Account,
    Code,
    Grant,
    Mail,
    Payment,
    Pushed,
    Revocation,
    Seen,
    new_token,
    seeds,
)
from connectapp.sandbox.statefile import read_state, write_state

_KEPT_REQUESTS = 10_000
_KEPT_MAILS = 1000
_SAVED_MAILS = 100


class Ledger:
    """Shared by all requests: hold `transaction` (or `lock`, to read only) while touching it.

    :param clock: epoch seconds.
    :param state_file: everything but the requests is kept here across restarts; of mails the newest.
    :raises ValueError: the state file cannot be understood.
    """

    def __init__(self, clock: Callable[[], float], state_file: Path | None = None) -> None:
        self.lock = RLock()
        self.clock = clock
        self._state_file = state_file
        self.reset()
        if state_file is not None and state_file.exists():
            self._restore(state_file)
        self._saved = self._state()

    def reset(self) -> None:
        """Back to the seeds, nothing seen."""
        self.accounts = {account.id: account for account in seeds()}
        self.codes: dict[str, Code] = {}
        self.pushed: dict[str, Pushed] = {}
        self.grants: list[Grant] = []
        self.revocations: list[Revocation] = []
        self.payments: list[Payment] = []
        self.mails: deque[Mail] = deque(maxlen=_KEPT_MAILS)
        self.requests: deque[Seen] = deque(maxlen=_KEPT_REQUESTS)
        self._count = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock, and write the state file afterwards if something changed."""
        with self.lock:
            try:
                yield
            finally:
                self._save()

    def see(self, **request: Any) -> Seen:
        """Record a request that just arrived (the fields of `Seen` but `n` and `at`)."""
        with self.lock:
            self._count += 1
            seen = Seen(n=self._count, at=self.clock(), **request)
            self.requests.append(seen)
            return seen

    def issue_code(self, account: str, client_id: str, scope: str, livemode: bool, ttl: float, **more: Any) -> Code:
        """A new code for `account`, good for `ttl` seconds. :param more: other fields of `Code`."""
        now = self.clock()
        code = Code(new_token("ac_"), account, client_id, scope, livemode, now, now + ttl, **more)
        self.codes[code.code] = code
        return code

    def expire(self) -> None:
        """The time of everything is over that is good for a while only: codes, and parameters that were pushed."""
        waiting: list[Code | Pushed] = [*self.codes.values(), *self.pushed.values()]
        for one in waiting:
            one.expires_at = self.clock()

    def issue_grant(
        self,
        account: str,
        client_id: str,
        scope: str,
        livemode: bool,
        code: str,
        refresh_token: str | None = None,
        **more: Any,
    ) -> Grant:
        """A new access token; without `refresh_token`, also a new one. :param more: other fields of `Grant`."""
        grant = Grant(
            account,
            client_id,
            scope,
            livemode,
            code=code,
            access_token=new_token("sk_live_" if livemode else "sk_test_"),
            refresh_token=refresh_token or new_token("rt_"),
            issued_at=self.clock(),
            **more,
        )
        self.grants.append(grant)
        return grant

    def live_grants(self, **fields: Any) -> list[Grant]:
        """The grants that work and have all these field values."""
        wanted = fields | {"live": True}
        return [one for one in self.grants if all(getattr(one, key) == value for key, value in wanted.items())]

    def end_grant(self, grant: Grant, reason: str) -> None:
        """One access token stops working."""
        grant.live, grant.revoked_at, grant.reason = False, self.clock(), reason

    def disconnect(self, account: str, client_id: str, reason: str, provider: str = "stripe") -> None:
        """End the connection of an account with a platform: every token of it stops working."""
        ended = self.live_grants(account=account, client_id=client_id, provider=provider)
        self.end_grants(ended, Revocation(account, client_id, reason, self.clock(), len(ended), provider))

    def end_grants(self, grants: list[Grant], revocation: Revocation) -> None:
        """These access tokens stop working, which is noted."""
        for grant in grants:
            self.end_grant(grant, revocation.reason)
        self.revocations.append(revocation)

    def payment(self, account: str, idempotency_key: str) -> Payment | None:
        """The payment that an account made under a key."""
        made = (one for one in self.payments if (one.account, one.idempotency_key) == (account, idempotency_key))
        return next(made, None)

    def report(self, since: int = 0) -> dict[str, Any]:
        """Everything as JSON values; only the requests after number `since`."""
        with self.lock:
            requests = [asdict(seen) for seen in self.requests if seen.n > since]
            pushed = [asdict(one) for one in self.pushed.values()]
            return {"requests": requests, "pushed": pushed, **json.loads(self._state())}

    def _state(self) -> str:
        state = {
            "accounts": [asdict(one) for one in self.accounts.values()],
            "codes": [asdict(one) for one in self.codes.values()],
            "grants": [asdict(one) for one in self.grants],
            "revocations": [asdict(one) for one in self.revocations],
            "payments": [asdict(one) for one in self.payments],
            "mails": [asdict(one) for one in self.mails][-_SAVED_MAILS:],
        }
        return json.dumps(state, indent=1)

    def _save(self) -> None:
        if self._state_file is not None and (state := self._state()) != self._saved:
            write_state(self._state_file, state)
            self._saved = state

    def _restore(self, path: Path) -> None:
        state = read_state(path)
        try:
            self.accounts = {one["id"]: Account(**one) for one in state["accounts"]}
            self.codes = {one["code"]: Code(**one) for one in state["codes"]}
            self.grants = [Grant(**one) for one in state["grants"]]
            self.revocations = [Revocation(**one) for one in state["revocations"]]
            self.payments = [Payment(**one) for one in state.get("payments", [])]
            self.mails.extend(Mail(**one) for one in state.get("mails", []))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a state file of this sandbox; delete it to start afresh") from error

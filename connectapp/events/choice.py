"""The boxes of the event form for payees: which accounts may be chosen, and what is wrong with those that are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from connectapp.accounts.store import AccountView
from connectapp.events import fields, payees
from connectapp.events.fields import PAYEES, Problems, Values
from connectapp.events.payees import Providers

NO_ACCOUNT = ""  # stands for the payee of an event that has none


@dataclass(frozen=True)
class Choice:
    """What a user can choose for an event.

    :param accounts: what there is to choose from, by id; those that the event has are among them, also where dead.
    :param stored: what the event has. :param may_choose: owners may; a member's form keeps what is stored.
    """

    accounts: Mapping[str, AccountView]
    stored: tuple[str, ...]
    may_choose: bool
    providers: Providers

    def check(self, values: Values, texts: Mapping[str, str], problems: Problems) -> None:
        """Find what may not be chosen."""
        boxes = fields.boxes(texts)
        if self.may_choose:
            unknown = (boxes[each] for each in values.payee_ids if each not in self.accounts)
            problems.update(dict.fromkeys(unknown, "Choose one of your connected accounts."))
            return
        for name in PAYEES:
            problems.pop(name, None)
        if tuple(boxes) not in {(), self.stored}:
            problems["payee"] = "Only an owner of the organizer chooses where the money goes."
        values.payee_ids = self.stored

    def publishing_problems(self, values: Values) -> Problems:
        """A sentence beside each account that tickets cannot be paid into, for an event as it is stored."""
        return self._problems(values, fields.texts_of(values), excused=())

    def published_problems(self, values: Values, texts: Mapping[str, str]) -> Problems:
        """The same for a change of a published event, which an account that died meanwhile does not prevent.

        But it must not take the last account away that the money can go to.
        """
        stored = self.stored or (NO_ACCOUNT,)
        taken_away = self._sells(stored, values) and not self._sells(values.payee_ids, values)
        return self._problems(values, texts, excused=() if taken_away else stored)

    def _sells(self, account_ids: Collection[str], values: Values) -> bool:
        return any(self._problem(each, values) is None for each in account_ids)

    def _problems(self, values: Values, texts: Mapping[str, str], excused: Collection[str]) -> Problems:
        boxes, problems = fields.boxes(texts), {}
        for each, name in zip(values.payee_ids or (NO_ACCOUNT,), PAYEES, strict=False):
            word = self._problem(each, values)
            if word and not (word in payees.PAUSES and each in excused):
                account = self.accounts.get(each)
                problems[boxes.get(each, name)] = payees.sentence(word, values.currency, account, self.providers)
        return problems

    def _problem(self, account_id: str, values: Values) -> str | None:
        return payees.problem(values.price, values.currency, self.accounts.get(account_id), self.providers)

    def box_for(self, new: AccountView, replaced_id: str | None, texts: Mapping[str, str]) -> str | None:
        """Where a new account belongs: in the place of the one that it replaced, or of a dead one of its provider.

        Else in the first free box; None if there is none.
        """
        boxes = fields.boxes(texts)
        same = (one for one in self.accounts.values() if one.provider_name == new.provider_name)
        dead = (one.id for one in same if payees.obstacle(one, self.providers))
        places = [boxes.get(each) for each in (new.id, replaced_id or NO_ACCOUNT, *dead)]
        free = [name for name in PAYEES if texts[name] not in self.accounts]
        return next(filter(None, [*places, *free]), None)

    def shown_boxes(self, texts: Mapping[str, str], problems: Problems) -> list[str]:
        """As many as there are accounts, at least one; and whichever has something in it."""
        return [
            name
            for number, name in enumerate(PAYEES)
            if number < max(1, len(self.accounts)) or name in problems or texts[name] in self.accounts
        ]

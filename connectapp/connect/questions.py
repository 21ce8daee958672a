"""What an organizer is asked before they leave, as fields of a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectapp import forms
from connectapp.providers.tenants import Question, Tenant

PREFIX = "tenant_"  # of the fields' names


@dataclass(frozen=True)
class Answers:
    """What was typed.

    :param texts: by the question's name, as typed. :param tenant: what was meant, of those that were understood.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    tenant: Tenant = field(default_factory=dict)


def read(request: Any, questions: Sequence[Question]) -> Answers | None:
    """The answers that a form brought; None if it has no field for them yet.

    :raises RefusedError: ``unknown_field``, for what no browser sends.
    """
    if questions and not any(PREFIX + question.name in request.POST for question in questions):
        return None
    texts = {one.name: forms.text(request, PREFIX + one.name, "", printable=False) for one in questions}
    meant = {one.name: one.read(texts[one.name]) for one in questions}
    return Answers(texts, {name: value for name, value in meant.items() if value is not None})


def fields(questions: Sequence[Question], answers: Answers | None) -> list[dict[str, Any]]:
    """For the template: each field with what was typed and what is wrong with it.

    :param answers: None: nothing was typed yet.
    """
    made = []
    for one in questions:
        example = one.example + one.suffix
        wrong = answers is not None and one.name not in answers.tenant
        made.append(
            {
                "name": PREFIX + one.name,
                "label": one.label,
                "example": example,
                "text": answers.texts[one.name] if answers else "",
                "problem": f"This does not look right. Write it as in {example}" if wrong else None,
            }
        )
    return made

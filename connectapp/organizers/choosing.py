"""What the pages of mailed links share: the token in the address, and a password that is chosen."""

from typing import Any

from connectapp import forms
from connectapp.errors import RefusedError
from connectapp.organizers import passwords


def token_of(request: Any) -> str:
    """The token of an opened link.

    :raises RefusedError: ``link_gone``, if there is none or more than one.
    """
    tokens: list[str] = request.GET.getall("token")
    if len(tokens) != 1:
        raise RefusedError("link_gone")
    return tokens[0]


def chosen(request: Any, page: dict[str, Any], problems: dict[str, str]) -> tuple[dict[str, Any], str | None]:
    """Look at a password that was chosen on a page; hashed outside of any transaction.

    :param page: the variables of the page, with `email` and `problems`. :param problems: of its other fields.
    :return: the page, and the hash if all is well.
    """
    password = forms.text(request, "password", printable=False)
    problem = passwords.problem(password, page["email"])
    problems = problems | ({"password": problem} if problem else {})
    if problems:
        request.response.status = 400
        return page | {"problems": problems}, None
    request.work.end()
    return page, passwords.hash_password(password)

"""Reading what a browser sent: one text per field, or a clear refusal."""

from typing import Any

from connectapp.errors import RefusedError

MOST_CHARACTERS = 1000


def text(request: Any, name: str, default: str | None = None, *, printable: bool = True) -> str:
    """The text of a form field.

    :param default: for a field that may be missing; None if it must be there.
    :param printable: refuse control characters.
    :raises RefusedError: ``unknown_field``, if it is missing, doubled, a file, too long or not printable.
    """
    values = request.POST.getall(name)
    if not values and default is not None:
        return default
    if len(values) != 1 or not isinstance(values[0], str) or len(values[0]) > MOST_CHARACTERS:
        raise RefusedError("unknown_field")
    if printable and not values[0].isprintable():
        raise RefusedError("unknown_field")
    return values[0]

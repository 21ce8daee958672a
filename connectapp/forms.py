"""Reading what a browser sent: one text per field, or a clear refusal; and carrying it past a question."""

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


def carried(request: Any, *dropped: str) -> list[tuple[str, str]]:
    """What was typed, for hidden fields of a page that asks something first and then sends the form again.

    :param dropped: fields to leave out; passwords and the anti-forgery token always are.
    """
    kept = [(name, value) for name, value in request.POST.items() if isinstance(value, str) and "password" not in name]
    return [(name, value) for name, value in kept if name not in {"csrf_token", *dropped}]


# What forms carry for us, which tells a person nothing.
_OURS = {"csrf_token", "organizer", "event", "version", "target", "replaces", "attempt", "decision", "token", "connect"}
_OURS |= {"payee", "payee_2", "payee_3", "payee_4", "payee_5", "invitation", "user", "to", "find", "search", "enter"}


def typed(request: Any) -> list[tuple[str, str]]:
    """What a person typed into a form that is refused, so that it can be shown and copied; passwords never are."""
    try:
        return [(name, value) for name, value in carried(request, *_OURS) if value.strip()]
    except (UnicodeDecodeError, ValueError):
        return []  # a body that is no form


def own_path(request: Any) -> str:
    """The address that was asked for, to send a form there again; never another host's (``//evil.example``)."""
    query = f"?{request.query_string}" if request.query_string else ""
    path: str = request.path
    return f"/{path.lstrip('/')}{query}"

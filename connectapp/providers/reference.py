"""The keys of a declaration, told from its models: a Markdown page for people, and a JSON Schema for editors."""

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from connectapp.providers.declaration import Declaration
from connectapp.providers.parts import Address, Name, Part, Path, Paths, Pattern, Scalar, Words

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INTRODUCTION = """# The declaration of a provider

Made by `connectapp providers reference` from `connectapp/providers/declaration.py` and `parts.py`; do not edit.

A declaration is a TOML file; [add-a-provider.md](add-a-provider.md) shows a whole one. Each part below is a table of
it, and under its heading stands where it is. An unknown key is an error that names the nearest known one. Editors that
know JSON Schema check and complete a file whose first line is `#:schema <path>/provider-declaration.schema.json`;
[the schema](provider-declaration.schema.json) is what `connectapp providers schema` prints.

- A **name** has lower-case letters, digits and underscores.
- An **address** begins with `https://` and has neither user nor fragment.
- A **path** such as `merchant.names.0` finds a value in an answer. Where several are given, the first that finds
  something counts. An answer in XML is read as if it were JSON: the path begins with the name of its root, elements
  of the same name are a list, and so are those in an element with `type="array"`; all values are texts, but for
  `type="integer"`, `type="boolean"` and `nil="true"`.
- A **pattern** is a regular expression that begins with `^` and ends with `$`.
- A text with `{names}` is a **template**. It may name `{client_id}`, and what `modes` and `variables` give; in a
  request in the account's name also `{access_token}`, `{refresh_token}` and `{account}`; in the `headers` and `params`
  of requests also `{client_secret}` and each of `secrets`, which may stand nowhere else.
"""
#: What the annotations that have a name of their own are called in the page.
CALLED = (
    (Paths, "path, or a list of paths"),
    (Words, "text, or a list of texts"),
    (Address, "address"),
    (Pattern, "pattern"),
    (Path, "path"),
    (Name, "name"),
    (Scalar, "text, number, `true` or `false`"),
    (str, "text"),
    (int, "number"),
    (bool, "`true` or `false`"),
)


def schema() -> str:
    """The JSON Schema of a declaration, as text."""
    return json.dumps({"$schema": DIALECT, **Declaration.model_json_schema()}, indent=2, ensure_ascii=False)


def markdown() -> str:
    """The page: each part with a heading, where it is, what it is for, and a table of its keys."""
    places = _places()
    return "\n".join([INTRODUCTION, *(_section(model, where) for model, where in places.items())])


def _places() -> dict[type[Part], list[str]]:
    """Every part, in the order in which they are met, with the tables where it stands."""
    found: dict[type[Part], list[str]] = {}

    def visit(model: type[Part], where: str) -> None:
        places = found.setdefault(model, [])
        if where:
            places.append(where)
        for key, hint in _hints(model).items():
            for part, beneath in _parts(hint):
                visit(part, ".".join(filter(None, (where, key, beneath))))

    visit(Declaration, "")
    return found


def _hints(model: type[Part]) -> dict[str, Any]:
    """The annotations of the fields, with all that they are annotated with."""
    hints = get_type_hints(model, include_extras=True)
    return {key: hints[key] for key in model.model_fields}


def _parts(hint: Any) -> Iterator[tuple[type[Part], str]]:
    """The parts in an annotation, each with what follows the key: in a table, the name that its author chooses."""
    if isinstance(hint, type) and issubclass(hint, Part):
        yield hint, ""
    beneath = {Mapping: "NAME"}.get(get_origin(hint), "")
    for argument in get_args(hint):
        for part, more in _parts(argument):
            yield part, ".".join(filter(None, (beneath, more)))


def _section(model: type[Part], places: list[str]) -> str:
    where = " ".join(f"`{place}`" for place in places)
    rows = [_row(key, model.model_fields[key], _meaning(model, key, hint), hint) for key, hint in _hints(model).items()]
    lines = ["", f"## {model.__name__}", "", f"{where or 'The file itself'}. {_prose(model.__doc__)}", ""]
    return "\n".join([*lines, "| key | type | default | meaning |", "|---|---|---|---|", *rows])


def _row(key: str, field: FieldInfo, meaning: str, hint: Any) -> str:
    cells = (f"`{key}`", _type(hint), _default(field), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _meaning(model: type[Part], key: str, hint: Any) -> str:
    """What a key is for: as its own docstring says, or the one that it overrides, or that of the part beneath it."""
    fields = [base.model_fields[key] for base in model.__mro__ if issubclass(base, Part) and key in base.model_fields]
    if told := next((field.description for field in fields if field.description), None):
        return _prose(told)
    part = next((part for part, _ in _parts(hint)), None)
    return f"{_prose(part.__doc__).split('. ')[0].rstrip('.')}." if part else ""


def _prose(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").replace("``", "`").split())


def _type(hint: Any) -> str:
    for known, called in CALLED:
        if hint == known:
            return called
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is tuple:
        return (
            f"list of {_type(arguments[0])}"
            if arguments[-1] is Ellipsis
            else f"list of {len(arguments)}: {_type(arguments[0])}"
        )
    if origin is Mapping:
        return f"table of {_key(arguments[0])}{_type(arguments[1])}"
    if origin in {Union, types.UnionType}:
        return _alternatives(arguments)
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def _alternatives(arguments: tuple[Any, ...]) -> str:
    """One of several types; that nothing may stand there is said by the default."""
    scalars = set(get_args(Scalar))
    one = [argument for argument in arguments if argument is not type(None)]
    if scalars <= set(one):
        one = [Scalar, *(argument for argument in one if argument not in scalars)]
    return " or ".join(_type(argument) for argument in one)


def _key(hint: Any) -> str:
    """Which keys a table may have, if that is bounded."""
    return f"{_type(hint)}: " if get_origin(hint) is Literal else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, Part):
        return "its defaults"
    if value is None or value in ((), {}, ""):
        return "none"
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`" if value != " " else "a blank"

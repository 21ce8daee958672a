"""Reading requests to a declared provider: written down as declared, or refused; and who proves to be who."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from webob import Request as WebRequest

from connectapp.providers.endpoints import Request
from connectapp.providers.templates import names_of
from connectapp.sandbox.declared_dialect import Dialect
from connectapp.sandbox.declared_places import Place, Side, free_names, is_address, merged, recognized
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.routing import Refusal, World, basic, form

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_PROOFS = frozenset({"client_id", "client_secret", "access_token"})


@dataclass(frozen=True)
class Heard:
    """A request that is written down as declared.

    :param fields: of its body, or of its query. :param names: what the names of the templates are.
    :param modes: those in which it may be written so.
    """

    fields: Mapping[str, Any]
    names: Mapping[str, str]
    modes: frozenset[str]

    def text(self, name: str) -> str | None:
        """A field that must be a text; None if it is not there, or is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


def hear(dialect: Dialect, asking: Request, request: WebRequest, place: Place) -> Heard:
    """Read a request as its declaration has it.

    :raises Refusal: if it is encoded otherwise, or lacks a header or a parameter that is always sent.
    """
    fields = _fields(dialect, asking, request, place)
    heard: list[tuple[Side, Mapping[str, str]]] = []
    refusals: list[Refusal] = []
    for side in place.sides:
        try:
            heard.append((side, _names(dialect, asking, request, place, side, fields)))
        except Refusal as refusal:
            refusals.append(refusal)
    if not heard:
        raise refusals[0]
    return Heard(fields, heard[0][1], frozenset(side.mode for side, _ in heard))


def _fields(dialect: Dialect, asking: Request, request: WebRequest, place: Place) -> dict[str, Any]:
    address = [(name, value) for name, value in _pairs(request.query_string) if name not in place.query]
    if asking.body == "query":
        if request.body:
            raise dialect.refusal("invalid_request", "the parameters belong into the query, and nothing into the body")
        return _once(dialect, address)
    if address:
        raise dialect.refusal("invalid_request", f"{address[0][0]} belongs into the body, not into the query")
    if not request.body:
        return {}
    wanted = _JSON if asking.body == "json" else _FORM
    if request.content_type != wanted:
        raise dialect.refusal("invalid_request", f"the content type must be {wanted}")
    if asking.body == "form":
        return _once(dialect, _pairs(request.body.decode(errors="replace")))
    return _json_object(dialect, request)


def every_field(request: WebRequest) -> dict[str, Any]:
    """What a request says anywhere, in whichever encoding; to tell requests apart, not to believe them."""
    try:
        fields = json.loads(request.body) if request.content_type == _JSON else {}
    except ValueError:
        fields = {}
    plain = dict(_pairs(request.query_string)) | form(request)
    return plain | (fields if isinstance(fields, dict) else {})


def _json_object(dialect: Dialect, request: WebRequest) -> dict[str, Any]:
    try:
        fields = json.loads(request.body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise dialect.refusal("invalid_request", "the body must be a JSON object")
    return fields


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="replace")


def _once(dialect: Dialect, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """RFC 6749 section 3.2: parameters must not be included more than once."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise dialect.refusal("invalid_request", f"{name} is there twice")
        fields[name] = value
    return fields


def _names(
    dialect: Dialect, asking: Request, request: WebRequest, place: Place, side: Side, fields: Mapping[str, Any]
) -> Mapping[str, str]:
    free = free_names(dialect.declaration)
    asked = dict(_pairs(request.query_string))
    found: list[Mapping[str, str]] = [place.names]
    for what, template, given, typed in _written(asking, request, place, fields, asked):
        names = recognized(template, given, side.values, free, typed=typed)
        if names is None:
            raise _missing(dialect, what, template)
        found.append(names)
    names = merged(found)
    if names is None:
        raise dialect.refusal("invalid_request", "the request contradicts itself")
    return names


def _written(
    asking: Request, request: WebRequest, place: Place, fields: Mapping[str, Any], asked: Mapping[str, str]
) -> Iterator[tuple[str, Any, Any, bool]]:
    """What must be in a request: where, its template, what is there, and whether it has a type."""
    for name, value in asking.headers.items():
        yield f"the header {name}", value, request.headers.get(name), False
    for name, param in asking.params.items():
        yield name, param, fields.get(name), asking.body == "json"
    for name, value in place.query.items():
        yield name, value, asked.get(name), False


def _missing(dialect: Dialect, what: str, template: object) -> Refusal:
    proofs = _PROOFS | dialect.declaration.secrets.keys()
    proves = isinstance(template, str) and names_of(template) & proofs
    code = "invalid_client" if proves else "invalid_request"
    return dialect.refusal(code, f"{what} is missing, or not as it must be", 401 if proves else 400)


def authenticated(dialect: Dialect, world: World, asking: Request, request: WebRequest, heard: Heard) -> Platform:
    """The platform that proves itself in the way that is declared, and in that way only.

    :raises Refusal: 401 otherwise.
    """
    style = asking.auth
    platform = _STYLES[style](dialect, world, request, heard)
    if platform is None:
        raise dialect.refusal("invalid_client", f"the client is unknown, or does not authenticate by {style}", 401)
    spare = "client_secret" in heard.fields and "client_secret" not in asking.params and style != "client_secret_post"
    told = request.headers.get("Authorization") if "Authorization" not in asking.headers else None
    if spare or (told is not None and style not in _BY_HEADER):
        raise dialect.refusal("invalid_client", f"the client authenticates by more than {style}", 401)
    check_platform(dialect, platform, heard)
    return platform


def check_platform(dialect: Dialect, platform: Platform, heard: Heard) -> None:
    """Whether all that a request says of the platform is true.

    :raises Refusal: 401 if not.
    """
    known = {"client_id": platform.client_id, "client_secret": platform.secret_key, **platform.secrets}
    told = [(name, heard.names.get(name)) for name in ("client_id", "client_secret", *dialect.declaration.secrets)]
    told.append(("client_id", heard.fields.get("client_id")))
    if any(said not in {None, known.get(name)} for name, said in told):
        raise dialect.refusal("invalid_client", "the client is unknown, or its secret is wrong", 401)
    if platform.mode not in heard.modes:
        raise dialect.refusal("invalid_client", f"the client is of {platform.mode} mode, the request is not", 401)


def _secret_basic(dialect: Dialect, world: World, request: WebRequest, _: Heard) -> Platform | None:
    client_id, secret = map(unquote_plus, basic(request) or ("", ""))
    return _with_secret(world.platforms.by_client(client_id, dialect.name), secret)


def _plain_basic(dialect: Dialect, world: World, request: WebRequest, _: Heard) -> Platform | None:
    client_id, secret = basic(request) or ("", "")
    return _with_secret(world.platforms.by_client(client_id, dialect.name), secret)


def _secret_post(dialect: Dialect, world: World, _: WebRequest, heard: Heard) -> Platform | None:
    platform = world.platforms.by_client(heard.text("client_id"), dialect.name)
    return _with_secret(platform, heard.text("client_secret"))


def _with_secret(platform: Platform | None, secret: str | None) -> Platform | None:
    return platform if platform is not None and platform.secret_key == secret else None


def _secret_as_user(dialect: Dialect, world: World, request: WebRequest, _: Heard) -> Platform | None:
    secret, password = basic(request) or ("", "")
    return None if password else world.platforms.by_key(secret, dialect.name)


def _bearer_secret(dialect: Dialect, world: World, request: WebRequest, _: Heard) -> Platform | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return world.platforms.by_key(secret, dialect.name) if scheme.lower() == "bearer" else None


def _private_key_jwt(dialect: Dialect, world: World, _: WebRequest, heard: Heard) -> Platform | None:
    """RFC 7523 section 3, signed with the key whose private half is the platform's secret here."""
    if heard.text("client_assertion_type") != _ASSERTION_TYPE:
        return None
    for platform in world.platforms.at(dialect.name):
        try:
            key = RSAKey.import_key(platform.secret_key)
            claims = jwt.decode(heard.text("client_assertion") or "", key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            continue
        if _is_assertion(dialect, claims, platform, world.ledger.clock()):
            return platform
    return None


def _is_assertion(dialect: Dialect, claims: Mapping[str, Any], platform: Platform, now: float) -> bool:
    audience, expires = claims.get("aud"), claims.get("exp")
    audiences = audience if isinstance(audience, list) else [audience]
    token_url = dialect.declaration.token.url
    meant = any(isinstance(one, str) and is_address(dialect.declaration, token_url, one) for one in audiences)
    names_platform = claims.get("iss") == claims.get("sub") == platform.client_id
    return names_platform and meant and isinstance(expires, int | float) and now < expires


def _by_id_alone(dialect: Dialect, world: World, _: WebRequest, heard: Heard) -> Platform | None:
    return world.platforms.by_client(heard.text("client_id"), dialect.name)


def _by_names(dialect: Dialect, world: World, _: WebRequest, heard: Heard) -> Platform | None:
    """By what headers and parameters of the request's own say; without any, whoever may be meant."""
    if client_id := heard.names.get("client_id"):
        return world.platforms.by_client(client_id, dialect.name)
    if secret := heard.names.get("client_secret"):
        return world.platforms.by_key(secret, dialect.name)
    return next((one for one in world.platforms.at(dialect.name) if one.mode in heard.modes), None)


_BY_HEADER = frozenset({"client_secret_basic", "plain_basic", "secret_as_user", "bearer_secret"})
_STYLES = {
    "client_secret_basic": _secret_basic,
    "plain_basic": _plain_basic,
    "client_secret_post": _secret_post,
    "secret_as_user": _secret_as_user,
    "bearer_secret": _bearer_secret,
    "private_key_jwt": _private_key_jwt,
    "none": _by_id_alone,
    "nothing": _by_names,
}

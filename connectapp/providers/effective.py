"""A declaration together with the admin's settings: the addresses, scopes and requests that really come of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2.rfc7523 import PrivateKeyJWT

from connectapp.errors import did_you_mean
from connectapp.oauth.answers import AnswerFormat
from connectapp.oauth.shapes import Shape
from connectapp.providers.declaration import Declaration
from connectapp.providers.endpoints import Refresh, Request, Token
from connectapp.providers.interfaces import CallbackNames, Mode, Prefill
from connectapp.providers.templates import fill, fill_all, fill_url, names_of
from connectapp.providers.tenants import Question, Tenant
from connectapp.secret import Secret
from connectapp.settings import ProviderSettings

TOKEN_FIELDS = ("grant_type", "code", "redirect_uri", "refresh_token")
PREFIX = "connectapp.provider"


def completed(declaration: Declaration, settings: ProviderSettings) -> ProviderSettings:
    """What development need not say, as the sandbox has it; what is said counts."""
    made = declaration.made_up()
    secrets = {name: Secret(made[name]) for name in declaration.secrets}
    return replace(
        settings,
        client_id=settings.client_id or made["client_id"],
        client_secret=settings.client_secret or Secret(made["client_secret"]),
        mode=settings.mode or "test",
        secret=secrets | dict(settings.secret),
    )


def constants(declaration: Declaration, settings: ProviderSettings) -> dict[str, Any]:
    """What templates may name that does not depend on an account: who we are, the mode's and the variables' values."""
    values: dict[str, Any] = {"client_id": settings.client_id, "client_secret": settings.client_secret}
    values |= {name: settings.secret.get(name) for name in declaration.secrets}
    for name, variable in declaration.variables.items():
        chosen = settings.variable.get(name, variable.default)
        values |= {name: chosen} | dict(variable.values.get(chosen or "", {}))
    return values | dict(declaration.modes.live if settings.mode == "live" else declaration.modes.test)


def questions(declaration: Declaration) -> tuple[Question, ...]:
    """What the organizer is asked before they leave."""
    return tuple(
        Question(name, one.title, one.example or "", one.pattern or "", one.suffix, one.lower_case)
        for name, one in declaration.asked.items()
    )


def scopes(declaration: Declaration, settings: ProviderSettings) -> tuple[str, ...]:
    """The scopes to ask for: those of the chosen preset, or the admin's own words."""
    if not declaration.scopes.presets:
        return ()
    chosen = settings.scope or declaration.scopes.default
    words = declaration.scopes.presets.get(chosen)
    if words is None:
        words = tuple(re.split(r"[\s,]+", chosen))
    return tuple(dict.fromkeys((*words, *declaration.scopes.always)))


def registration(declaration: Declaration, settings: ProviderSettings, tenant: Tenant) -> dict[str, Any]:
    """The arguments of `config.register_oauth_client`.

    :param tenant: where the organizer is asked, what they said; the client knows no address without it.
    """
    values, token = {**constants(declaration, settings), **tenant}, declaration.token
    who = {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal() if settings.client_secret else None,
    }
    if "token" in declaration.left_out or declaration.asked.keys() - tenant.keys():
        return who
    client_kwargs: dict[str, Any] = {"token_endpoint_auth_method": token.auth}
    if declaration.pkce != "none":
        client_kwargs["code_challenge_method"] = "S256"
    url = fill_url(token.url, values)
    return who | {
        "authorize_url": None if declaration.kind == "onboarding" else fill_url(declaration.authorize.url, values),
        "access_token_url": url,
        "refresh_token_url": fill_url(declaration.refresh.url or token.url, values),
        "refresh_auth_method": declaration.refresh.auth or token.auth,
        "client_kwargs": client_kwargs,
        "client_auth_methods": [PrivateKeyJWT(url)],
        "required_fields": token.answer.required,
        "answer_format": answer_format(declaration),
        "token_shape": token_shape(token, values),
        "refresh_shape": refresh_shape(declaration.refresh, token, values),
    }


def callback_names(declaration: Declaration) -> CallbackNames:
    """What the parameters of callbacks are called."""
    told = declaration.callback
    if declaration.kind == "onboarding":
        return CallbackNames(told.state, "", told.account)
    return CallbackNames(declaration.authorize.rename.get("state", "state"), told.code, told.account)


def answer_format(declaration: Declaration) -> AnswerFormat:
    """Where a token answer has what."""
    answer = declaration.token.answer
    expires = "expires_at" if answer.expiry in {"iso", "epoch"} else "expires_in"
    paths = {
        "access_token": answer.access_token,
        "refresh_token": answer.refresh_token,
        "token_type": answer.token_type,
        "scope": answer.scope,
        "account": answer.account,
        "publishable_key": answer.publishable_key,
        expires: answer.expires,
    }
    return AnswerFormat(
        paths={name: path for name, path in paths.items() if path and path != name},
        errors=declaration.errors.code,
        milliseconds=answer.expiry == "milliseconds",
        never_expires=answer.expiry == "never",
        lifetime=answer.lifetime,
    )


def token_shape(token: Token, values: Mapping[str, Any]) -> Shape:
    """How the token request is written down."""
    without = tuple(name for name in TOKEN_FIELDS if name not in token.sends)
    return Shape(token.body, without, fill_all(token.params, values), fill_all(token.headers, values))


def refresh_shape(refresh: Refresh, token: Token, values: Mapping[str, Any]) -> Shape:
    """How the refresh request is written down."""
    without = tuple(name for name in TOKEN_FIELDS if name not in refresh.sends)
    headers = token.headers if refresh.headers is None else refresh.headers
    return Shape(refresh.body or token.body, without, fill_all(refresh.params, values), fill_all(headers, values))


def authorize_params(
    declaration: Declaration, settings: ProviderSettings, values: Mapping[str, Any], prefill: Prefill
) -> dict[str, Any]:
    """What is sent to the authorize page besides the standard parameters: what is fixed, chosen, and known already."""
    authorize = declaration.authorize
    fixed = {name: fill(value, values) for name, value in authorize.params.items()}
    extra = {name: str(value).lower() if isinstance(value, bool) else value for name, value in fixed.items()}
    extra |= {name: settings.option[name] for name in authorize.options if name in settings.option}
    known = {theirs: getattr(prefill, ours) for ours, theirs in authorize.prefill.items()}
    return extra | {theirs: value for theirs, value in known.items() if value}


def written(declaration: Declaration, asking: Request, values: Mapping[str, Any]) -> tuple[str, Shape, str]:
    """A declared request with its values: the address, how it is written down, and how the platform proves itself."""
    headers, params, auth = fill_all(asking.headers, values), fill_all(asking.params, values), str(asking.auth)
    if auth == "account":
        auth, use = "nothing", declaration.use
        own = use.headers if values.get("access_token") is not None else use.platform or {}
        headers, params = fill_all(own, values) | headers, fill_all(use.params, values) | params
    return fill_url(asking.url, values), Shape(asking.body, more=params, headers=headers), auth


def renamed(declaration: Declaration, scope: str, url: str) -> str:
    """An authorize address with the parameters that the provider takes, under its names."""
    authorize, parts = declaration.authorize, urlsplit(url)
    names: dict[str, str] = dict(authorize.rename.items())
    unwanted = {"response_type", "client_id", "redirect_uri", "scope"} - set(authorize.sends)
    pairs: list[tuple[str, str]] = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "scope" and declaration.scopes.array:
            pairs += [("scope[]", word) for word in scope.split(" ")]
        elif name not in unwanted:
            pairs.append((names.get(name, name), value))
    return parts._replace(query=urlencode(pairs)).geturl()


def needed(declaration: Declaration, asking: Request) -> set[str]:
    """What must be known for a request, by the names in its templates."""
    texts = [asking.url, *asking.headers.values(), *asking.params.values()]
    if asking.auth == "account":
        texts += declaration.use.headers.values()
    return set().union(*(names_of(one) for one in texts if isinstance(one, str)))


def problems(declaration: Declaration, settings: ProviderSettings) -> Iterator[str]:
    """What is wrong with the settings of this provider, one line each."""
    prefix = f"{PREFIX}.{declaration.name}"
    yield from _scope_problems(declaration, settings, f"{prefix}.scope")
    yield from _variable_problems(declaration, settings, f"{prefix}.variable")
    yield from _secret_problems(declaration, settings, f"{prefix}.secret")
    yield from _option_problems(declaration, settings, f"{prefix}.option")
    yield from _mode_problems(declaration, settings, prefix)
    if declaration.kind == "onboarding" and settings.pay_with == "account":
        yield f"{prefix}.pay_with must be platform: whoever is onboarded gives no key of their own"


def _scope_problems(declaration: Declaration, settings: ProviderSettings, key: str) -> Iterator[str]:
    if not settings.scope:
        return
    presets = declaration.scopes.presets
    known = {*declaration.scopes.always}.union(*presets.values())
    if not presets:
        yield f"{key} cannot be set: {declaration.title} takes its scope from what is set up there"
    elif settings.scope not in presets and not set(scopes(declaration, settings)) <= known:
        words = dict.fromkeys(word for preset in presets.values() for word in preset)
        yield f"{key} must be one of: {', '.join([*presets, *words])}"


def _variable_problems(declaration: Declaration, settings: ProviderSettings, key: str) -> Iterator[str]:
    yield from _unknown(settings.variable, declaration.variables, key)
    for name in declaration.asked.keys() & settings.variable.keys():
        yield f"{key}.{name} cannot be set: each organizer is asked for it"
    for name, variable in declaration.variables.items():
        if name in declaration.asked:
            continue
        chosen = settings.variable.get(name, variable.default)
        if chosen is None:
            yield f"{key}.{name} is missing: {variable.title}"
        elif variable.values and chosen not in variable.values:
            yield f"{key}.{name} must be one of: {', '.join(variable.values)}"
        elif variable.pattern and not re.fullmatch(variable.pattern, chosen):
            yield f"{key}.{name} must be as in {variable.pattern}"


def _secret_problems(declaration: Declaration, settings: ProviderSettings, key: str) -> Iterator[str]:
    yield from _unknown(settings.secret, declaration.secrets, key)
    for name, secret in declaration.secrets.items():
        if name not in settings.secret:
            variable = f"{key}.{name}".replace(".", "_").upper()
            yield f"{key}.{name} is missing: {secret.title}; set it as {variable} in the environment"


def _option_problems(declaration: Declaration, settings: ProviderSettings, key: str) -> Iterator[str]:
    options = {} if declaration.kind == "onboarding" else declaration.authorize.options
    yield from _unknown(settings.option, options, key)
    for name, allowed in options.items():
        if name in settings.option and settings.option[name] not in allowed:
            yield f"{key}.{name} must be one of: {', '.join(allowed)}"


def _unknown(given: Mapping[str, Any], known: Mapping[str, Any], key: str) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"{key}.{name} is not a setting{did_you_mean(name, known, f'{key}.')}"


def _mode_problems(declaration: Declaration, settings: ProviderSettings, prefix: str) -> Iterator[str]:
    prefixes = declaration.modes.key_prefixes
    if settings.client_secret and settings.mode and prefixes:
        mode = key_mode(prefixes, settings.client_secret)
        if mode is None:
            yield f"{prefix}.client_secret must begin with one of: {', '.join(prefixes)}"
        elif mode != settings.mode:
            yield f"{prefix}.client_secret is a {mode} key, but {prefix}.mode is {settings.mode}"
    unsure = unverified_hosts(declaration)
    if settings.mode == "live" and unsure and not settings.accept_unverified:
        yield (
            f"{prefix}.mode is live, but nobody has checked {', '.join(unsure)} of {declaration.title}, where the "
            f"client secret would go: compare with its documentation, then set {prefix}.accept_unverified = true"
        )


def key_mode(prefixes: Mapping[str, Mode], secret: Secret) -> Mode | None:
    """The mode that the beginning of a client secret stands for."""
    return next((mode for start, mode in prefixes.items() if secret.reveal().startswith(start)), None)


def unverified_hosts(declaration: Declaration) -> list[str]:
    """The keys of live addresses that nobody has checked, and that the client secret or a token would go to."""
    harmless = ("authorize.url", "readiness.onboarding_url")  # a browser goes there, with no secret
    return [
        key
        for key in declaration.unverified
        if key not in harmless and (key.endswith("url") or key.startswith(("modes.live", "variables.")))
    ]

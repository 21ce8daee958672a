"""Whether the provider wrote what comes back by way of the browser, and for the tenant that was named. Calls nobody."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectapp.errors import GrantRefusedError
from connectapp.providers.parts import Callback, CallbackSignature
from connectapp.providers.signatures import any_same, is_recent, signature
from connectapp.providers.templates import fill
from connectapp.secret import Secret

Parameters = Sequence[tuple[str, str]]


def check(callback: Callback, constants: Mapping[str, Any], parameters: Parameters, received_at: float) -> None:
    """Check a callback.

    :param constants: what templates may name. :param parameters, received_at: see `IPaymentProvider.check_callback`.
    :raises GrantRefusedError: ``callback_unproven`` or ``other_tenant``.
    """
    if callback.signature and not _is_signed(callback.signature, constants["client_secret"], parameters, received_at):
        raise GrantRefusedError("callback_unproven")
    for name, template in callback.tenant.items():
        if [value for given, value in parameters if given == name] != [fill(template, constants)]:
            raise GrantRefusedError("other_tenant")


def _is_signed(declared: CallbackSignature, secret: Secret | None, parameters: Parameters, received_at: float) -> bool:
    found = dict(parameters)
    if secret is None or len(found) != len(parameters) or declared.parameter not in found:
        return False
    if declared.timestamp and not is_recent(found.get(declared.timestamp), received_at, declared.tolerance or 0):
        return False
    given = found.pop(declared.parameter)
    wanted = signature(declared.algorithm, declared.encoding, secret, sorted_query(found).encode())
    return any_same([wanted], [given])


def sorted_query(parameters: Mapping[str, str]) -> str:
    """See `CallbackSignature.signed`: no two sets of parameters give the same."""
    return "&".join(
        sorted(f"{_escaped(name).replace('=', '%3D')}={_escaped(value)}" for name, value in parameters.items())
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")

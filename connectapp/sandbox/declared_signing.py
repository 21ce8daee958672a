"""Signs what a declared provider sends back by way of the browser, made apart from what verifies it."""

import base64
import hmac
from collections.abc import Mapping

from connectapp.providers.parts import CallbackSignature


def signed(declared: CallbackSignature | None, params: Mapping[str, str], secret: str, now: float) -> dict[str, str]:
    """The parameters, and with them the time and the signature that are declared."""
    if declared is None:
        return dict(params)
    stamped = {**params, **({declared.timestamp: str(int(now))} if declared.timestamp else {})}
    pairs = []
    for name, value in stamped.items():
        name, value = (one.replace("%", "%25").replace("&", "%26") for one in (name, value))
        pairs.append(name.replace("=", "%3D") + "=" + value)
    digest = hmac.new(secret.encode(), "&".join(sorted(pairs)).encode(), declared.algorithm.removeprefix("hmac-"))
    written = digest.hexdigest() if declared.encoding == "hex" else base64.b64encode(digest.digest()).decode()
    return {**stamped, declared.parameter: written}

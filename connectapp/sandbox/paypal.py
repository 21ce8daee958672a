"""The PayPal personality: Partner Referrals. The platform's own token, a seller's link, the seller's page, look-ups.

Made after PayPal's OpenAPI documents of partner referrals, versions 1 and 2. The seller is an account of the ledger,
with a merchant id of PayPal's form; what the seller grants is a grant like any other, whose token nobody gets to see.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from webob import Request, Response

from connectapp.sandbox.declared_ids import id_for
from connectapp.sandbox.pages import page
from connectapp.sandbox.platforms import Platform
from connectapp.sandbox.records import Account, Code, Grant, new_token
from connectapp.sandbox.routing import Refusal, Route, World, basic, form, json_answer, query
from connectapp.sandbox.stripe_authorize import COUNTRIES, choose_account

NAME = "paypal"
_API, _WEB = "api-m.sandbox.paypal.com", "www.sandbox.paypal.com"
_OWN = "client_credentials"
_HOURS, _DAYS = 9, 30
_GET, _POST = frozenset({"GET"}), frozenset({"POST"})
_SELLERS = "/v1/customer/partners/([A-Z0-9]{13})/merchant-integrations"


def merchant_id(account: Account) -> str:
    """What PayPal calls an account of the ledger."""
    return id_for("^[A-Z0-9]{13}$", f"{NAME}:{account.id}", account.id)


def token(world: World, request: Request) -> Response:
    """``POST /v1/oauth2/token``: a token for the platform itself."""
    given = basic(request)
    platform = world.platforms.by_client(given[0] if given else None, NAME)
    if given is None or platform is None or given[1] != platform.secret_key:
        raise Refusal(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
    if form(request).get("grant_type") != _OWN:
        raise Refusal(400, {"error": "unsupported_grant_type", "error_description": "Use client_credentials"})
    more: dict[str, Any] = {"provider": NAME, "expires_at": world.ledger.clock() + _HOURS * 3600}
    grant = world.ledger.issue_grant(platform.account, platform.client_id, _OWN, platform.livemode, "", **more)
    answer = {"scope": "https://uri.paypal.com/services/customer/partner", "app_id": "APP-80W284485P519543T"}
    times = {"expires_in": _HOURS * 3600, "nonce": "2026-01-01T00:00:00Z"}
    return json_answer({"access_token": grant.access_token, "token_type": "Bearer", **answer, **times})


def _platform(world: World, request: Request) -> Platform:
    """Whose token the request carries. :raises Refusal: 401 if it carries none that is good."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    for grant in world.ledger.live_grants(access_token=value, provider=NAME, scope=_OWN):
        platform = world.platforms.by_client(grant.client_id, NAME)
        if scheme == "Bearer" and platform is not None and (grant.expires_at or 0) > world.ledger.clock():
            return platform
    raise Refusal(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})


def refer(world: World, request: Request) -> Response:
    """``POST /v2/customer/partner-referrals``: a link for one seller."""
    platform = _platform(world, request)
    asked = _object(request)
    return_url, features = _checked(asked)
    now = world.ledger.clock()
    referral = Code(
        new_token("", 48),
        "",  # nobody has come yet
        platform.client_id,
        " ".join(features),
        platform.livemode,
        now,
        now + _DAYS * 24 * 3600,
        redirect_uri=return_url,
        provider=NAME,
        external_id=asked["tracking_id"],  # what the platform calls the seller
    )
    world.ledger.codes[referral.code] = referral
    itself = {"href": f"https://{_API}/v2/customer/partner-referrals/{referral.code}", "rel": "self", "method": "GET"}
    page_url = f"https://{_WEB}/bizsignup/partner/entry?referralToken={referral.code}"
    links = [itself, {"href": page_url, "rel": "action_url", "method": "GET"}]
    return json_answer({"links": links}, 201)


def _object(request: Request) -> dict[str, Any]:
    try:
        asked = json.loads(request.body) if request.content_type == "application/json" else None
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _wrong("MALFORMED_REQUEST_JSON", "/")
    return asked


def _checked(asked: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The return URL and the features of a referral that PayPal would take."""
    tracking = asked.get("tracking_id")
    if not isinstance(tracking, str) or not 1 <= len(tracking) <= 127:
        raise _wrong("INVALID_STRING_LENGTH", "/tracking_id")
    return_url = _at(asked, "partner_config_override", "return_url")
    if not isinstance(return_url, str) or not 1 <= len(return_url) <= 127 or not urlsplit(return_url).hostname:
        raise _wrong("INVALID_STRING_LENGTH", "/partner_config_override/return_url")
    if {"type": "SHARE_DATA_CONSENT", "granted": True} not in (asked.get("legal_consents") or []):
        raise _wrong("MISSING_REQUIRED_PARAMETER", "/legal_consents")
    operations = asked.get("operations")
    if not isinstance(operations, list) or not operations or operations[0].get("operation") != "API_INTEGRATION":
        raise _wrong("MISSING_REQUIRED_PARAMETER", "/operations")
    rest = _at(operations[0], "api_integration_preference", "rest_api_integration")
    features = _at(rest, "third_party_details", "features")
    if _at(rest, "integration_type") != "THIRD_PARTY" or not isinstance(features, list):
        raise _wrong("INVALID_PARAMETER_VALUE", "/operations/0/api_integration_preference")
    return return_url, [str(one) for one in features]


def _at(values: Any, *names: str) -> Any:
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _wrong(issue: str, field: str) -> Refusal:
    text = "Request is not well-formed, syntactically incorrect, or violates schema."
    details = [{"issue": issue, "field": field, "location": "body"}]
    return Refusal(400, {"name": "INVALID_REQUEST", "message": text, "debug_id": "5a0d", "details": details})


def entry(world: World, request: Request) -> Response:
    """``GET /bizsignup/partner/entry`` shows the seller's page; ``POST`` is its own form, with the fields of Stripe's.

    ``action`` is ``approve``, ``deny`` (signed in, and nothing granted) or ``leave`` (not even signed in).
    """
    fields = form(request) if request.method == "POST" else query(request)
    referral = world.ledger.codes.get(fields.get("referralToken", ""))
    if referral is None or referral.provider != NAME or world.ledger.clock() >= referral.expires_at:
        raise Refusal(404, {"name": "RESOURCE_NOT_FOUND", "message": "There is no such referral."})
    if request.method == "GET":
        return _page(world, referral, dict.fromkeys(("business_name", "email", "account"), "") | {"country": "GB"})
    if fields.get("action") == "leave":
        return _back(referral)
    account, problem = choose_account(world, fields)
    if account is None:
        values = {name: fields.get(name, "") for name in ("business_name", "email", "country", "account")}
        return _page(world, referral, values, problem)
    return _decided(world, referral, account, granted=fields.get("action") == "approve")


def _page(world: World, referral: Code, values: dict[str, str], error: str = "") -> Response:
    accounts = list(world.ledger.accounts.values())
    return page(
        "authorize.jinja2",
        status=400 if error else 200,
        provider="PayPal",
        target="entry",
        platform=world.platforms.by_client(referral.client_id, NAME),
        asks=f"be granted {referral.scope}, in the name",
        accounts=accounts,
        ids={account.id: merchant_id(account) for account in accounts},
        chosen=values["account"] or (accounts[0].id if accounts else "new"),
        kept={"referralToken": referral.code},
        values=values,
        countries=COUNTRIES,
        error=error,
    )


def _decided(world: World, referral: Code, account: Account, *, granted: bool) -> Response:
    """The seller has signed in, and granted what was asked for or not."""
    referral.account = account.id
    referral.redemptions += 1
    seller = merchant_id(account)
    if granted and not _granted(world, referral.client_id, seller):
        more: dict[str, Any] = {"provider": NAME, "external_id": seller}
        world.ledger.issue_grant(
            account.id, referral.client_id, referral.scope, referral.livemode, referral.code, **more
        )
    said = str(granted).lower()
    return _back(
        referral,
        merchantIdInPayPal=seller,
        permissionsGranted=said,
        consentStatus=said,
        productIntentId="addipmt",
        productIntentID="addipmt",  # it comes in both spellings
        isEmailConfirmed=str(account.details_submitted).lower(),
        accountStatus="BUSINESS_ACCOUNT",
    )


def _back(referral: Code, **params: str) -> Response:
    parts = urlsplit(referral.redirect_uri or "")
    told = urlencode({"merchantId": referral.external_id, **params})
    response = Response(status=303)
    response.headers["Location"] = urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, told]))))
    response.headers["Cache-Control"] = "no-store"
    return response


def _granted(world: World, client_id: str, seller: str) -> list[Grant]:
    return world.ledger.live_grants(client_id=client_id, provider=NAME, external_id=seller)


def by_tracking_id(world: World, request: Request, _partner: str) -> Response:
    """``GET …/merchant-integrations?tracking_id=``: who the seller of a referral is, once one has come."""
    platform = _platform(world, request)
    asked = query(request).get("tracking_id")
    for referral in reversed(world.ledger.codes.values()):
        ours = (referral.provider, referral.client_id) == (NAME, platform.client_id) and referral.account
        if ours and referral.external_id == asked:
            seller = merchant_id(world.ledger.accounts[referral.account])
            links = [{"href": f"https://{_API}{request.path_info}/{seller}", "rel": "self", "method": "GET"}]
            return json_answer({"merchant_id": seller, "tracking_id": asked, "links": links})
    raise _no_seller()


def by_merchant_id(world: World, request: Request, _partner: str, seller: str) -> Response:
    """``GET …/merchant-integrations/{merchant_id}``: the state of a seller that has come by one of our referrals."""
    platform = _platform(world, request)
    ours = {one.account for one in world.ledger.codes.values() if one.client_id == platform.client_id}
    for account in world.ledger.accounts.values():
        if account.id in ours and merchant_id(account) == seller:
            return json_answer(_integration(account, list(_integrations(world, platform, seller))))
    raise _no_seller()


def _no_seller() -> Refusal:
    return Refusal(404, {"name": "RESOURCE_NOT_FOUND", "message": "The specified resource does not exist."})


def _integrations(world: World, platform: Platform, seller: str) -> Iterator[dict[str, Any]]:
    for grant in _granted(world, platform.client_id, seller):
        scopes = [f"https://uri.paypal.com/services/{one.lower()}" for one in grant.scope.split(" ")]
        party = {"partner_client_id": platform.client_id, "merchant_client_id": "AeA1", "scopes": scopes}
        kind = {"integration_type": "OAUTH_THIRD_PARTY", "integration_method": "PAYPAL", "status": "A"}
        yield {**kind, "oauth_third_party": [party]}


def _integration(account: Account, integrations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id(account),
        "legal_name": account.business_name,
        "primary_email": account.email,
        "primary_email_confirmed": account.details_submitted,
        "payments_receivable": account.charges_enabled,
        "products": [{"name": "EXPRESS_CHECKOUT", "status": "ACTIVE"}],
        "oauth_integrations": integrations,
    }


ROUTES = (
    Route(_API, "/v1/oauth2/token", f"{NAME}.token", _POST, token),
    Route(_API, "/v2/customer/partner-referrals", f"{NAME}.referral", _POST, refer),
    Route(_WEB, "/bizsignup/partner/entry", f"{NAME}.entry", _GET | _POST, entry),
    Route(_API, _SELLERS, f"{NAME}.tracking", _GET, by_tracking_id),
    Route(_API, f"{_SELLERS}/([A-Z0-9]+)", f"{NAME}.seller", _GET, by_merchant_id),
)

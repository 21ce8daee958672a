"""TE: an answer in XML is read as data and as nothing else. The database plays no part: SQLite."""

import base64
from typing import Any

import pytest

from tests.support.processes import app_processes, cookie_header
from tests.support.rows import SQLITE_ONLY, answer_page, everything, logged, statuses
from tests.support.sandbox import Other
from tests.support.site import Browser, Site

pytestmark = SQLITE_ONLY

CANARY = "at_canary_of_markup"
TOKEN = f"<access-token>{CANARY}</access-token><token-type>bearer</token-type>"
GOOD = f"<credentials>{TOKEN}</credentials>"
FROM_ENTITY = GOOD.replace(CANARY, "&t;")
UTF_8, LATIN_1 = '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>'

# Each would be a token, if what is wrong with it were overlooked.
WRONG: dict[str, bytes] = {
    name: body if isinstance(body, bytes) else body.encode()
    for name, body in {
        "document type": f"<!DOCTYPE credentials>{GOOD}",
        "entity": f'<!DOCTYPE c [<!ENTITY t "{CANARY}">]>{FROM_ENTITY}',
        "default": f'<!DOCTYPE c [<!ATTLIST credentials type CDATA "x">]>{GOOD}',
        "unknown entity": GOOD.replace("bearer", "bearer&x;"),
        "other encoding": LATIN_1 + GOOD,
        "unknown encoding": UTF_8.replace("UTF-8", "nonsense") + GOOD,
        "utf-16": (UTF_8.replace("UTF-8", "UTF-16") + GOOD).encode("utf-16"),
        "utf-16 unsaid": GOOD.encode("utf-16-le"),
        "no utf-8": GOOD.replace("</c", "<n>\xe9</n></c").encode("latin-1"),
        "zero": GOOD.replace("</c", "<n>\0</n></c"),
        "cut off": GOOD.removesuffix("</credentials>"),
        "more behind": f"{GOOD}<credentials/>",
        "more before": f"ok{GOOD}",
        "text beside": GOOD.replace("</c", "text</c"),
        "no boolean": GOOD.replace("</c", '<n type="boolean">maybe</n></c'),
        "no integer": GOOD.replace("</c", f'<n type="integer">{"1" * 10_000}</n></c'),
        "deep": GOOD.replace("</c", f"{'<n>' * 60}{'</n>' * 60}</c"),
        "twice": GOOD.replace("</c", f"{TOKEN}</c"),
        "an object": GOOD.replace(CANARY, f"<value>{CANARY}</value>"),
        "a list": GOOD.replace("<access-token", '<access-token type="array"').replace(CANARY, f"<a>{CANARY}</a>"),
        "json": f'{{"credentials": {{"access-token": "{CANARY}", "token-type": "bearer"}}}}',
    }.items()
}
KINDS = ["application/json", "application/xhtml+xml", "text/html", "application/xml; charset=utf-16"]


@pytest.fixture
def site(make_two) -> Site:
    return make_two("markup")


@pytest.fixture
def markup(site: Site) -> Other:
    return Other(site.sandbox, "markup")


def answer(site: Site, markup: Other, browser: Browser, body: bytes, kind: str = "application/xml") -> Any:
    """The code is redeemed, and this is what we hear of it. Gives what the person sees."""
    url = markup.back(browser.leave("markup"))
    told = {"headers": {"Content-Type": kind}, "body_base64": base64.b64encode(body).decode()}
    site.sandbox.fault(endpoint="markup.token", after=True, status=200, **told)
    return answer_page(browser, url)


@pytest.mark.row("TE-05")
def test_what_is_more_than_data_is_neither_believed_nor_shown(site: Site, browser: Browser, markup: Other) -> None:
    answer(site, markup, browser, (UTF_8 + GOOD).encode())
    assert statuses(site) == [("refused", "identity_refused")]  # the token was read, and is none of the sandbox's
    with logged(site) as lines:
        for name, body in WRONG.items():
            page = answer(site, markup, browser, body)
            assert statuses(site)[-1] == ("failed", "malformed_answer"), name
            assert CANARY not in page.text
        for kind in KINDS:
            page = answer(site, markup, browser, GOOD.encode(), kind)
            assert statuses(site)[-1] == ("failed", "malformed_answer"), kind
    assert site.accounts() == []
    assert CANARY not in "\n".join(lines)
    assert CANARY not in everything(site)
    assert markup.redemptions() == 1 + len(WRONG) + len(KINDS)


@pytest.mark.row("TE-05", "TE-20")
def test_nothing_is_fetched_for_an_answer(site: Site, browser: Browser, markup: Other, evil: Other, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    for place in (f"{evil.url}/token", file.as_uri()):
        for declared in (f"<!ENTITY t SYSTEM '{place}'>", f"<!ENTITY % p SYSTEM '{place}'> %p;"):
            answer(site, markup, browser, f"<!DOCTYPE c [{declared}]>{FROM_ENTITY}".encode())
            assert statuses(site)[-1] == ("failed", "malformed_answer")
        answer(site, markup, browser, f"<!DOCTYPE c SYSTEM '{place}'>{GOOD}".encode())
        assert statuses(site)[-1] == ("failed", "malformed_answer")
        inclusion = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{place}"/>'
        answer(site, markup, browser, GOOD.replace(CANARY, inclusion).encode())
        assert statuses(site)[-1] == ("failed", "malformed_answer")
    assert evil.requests() == []
    assert site.accounts() == []


def _bombs() -> dict[str, str]:
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    attributes = " ".join(f'a{number}=""' for number in range(90_000))
    return {
        "laughs": f'<!DOCTYPE c [<!ENTITY e0 "lol">{laughs}]><c>&e11;</c>',
        "quadratic": f'<!DOCTYPE c [<!ENTITY e "{"a" * 100_000}">]><c>{"&e;" * 100_000}</c>',
        "attribute": f'<!DOCTYPE c [<!ENTITY e0 "lol">{laughs}]><c a="&e11;"/>',
        "deep": "<c>" * 300_000,
        "deep and closed": "<c>" * 140_000 + "</c>" * 140_000,
        "many": f"<c>{'<e/>' * 250_000}</c>",
        "attributes": f"<c {attributes}><n></c>",
        "lines": f"<c>{chr(10) * 1_000_000}<n></c>",
        "references": f"<c>{'&lt;' * 250_000}<n></c>",
        "large": f"<c>{'a' * (2 * 2**20)}</c>",
    }


@pytest.mark.row("TE-06")
def test_a_bomb_is_refused_at_little_cost(make_site) -> None:
    """At Stripe, whose answers are JSON: what comes as XML is read as such, whoever sends it."""
    site, bombs = make_site(), _bombs()
    browser = site.signed_in()
    urls = [browser.callback_url() for _ in bombs]
    with app_processes(site.settings) as (process,):
        process.get("/", cookie_header(browser))
        before = process.peak_memory()
        for url, body in zip(urls, bombs.values(), strict=True):
            site.sandbox.fault(
                endpoint="token", after=True, status=200, headers={"Content-Type": "text/xml"}, body=body
            )
            assert process.get(url, cookie_header(browser))[0] == 303
        assert process.peak_memory() - before < 50 * 1024
    # The last one is larger than any answer may be.
    assert statuses(site) == [("failed", "malformed_answer")] * (len(bombs) - 1) + [("outcome_unknown", "no_answer")]
    assert site.accounts() == []
    assert site.sandbox.redemptions() == len(bombs)

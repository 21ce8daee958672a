"""Every page in its states, with hostile strings in place of every value, and strict about missing ones."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyramid.config import Configurator
from pyramid.request import Request

from tests.unit.event_pages import event_pages
from tests.unit.member_pages import member_pages
from tests.unit.pages import AWAY, HOSTILE, LEAVE, SIGNED_IN, organizer_pages, pages
from tests.unit.signup_pages import signup_pages

PACKAGE = Path(__file__).parents[2] / "connectapp"
TEMPLATES, STATIC = PACKAGE / "templates", PACKAGE / "static"
PAGES = [*pages(), *organizer_pages(), *event_pages(), *signup_pages(), *member_pages()]
every_page = pytest.mark.parametrize(("name", "values"), PAGES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(PAGES)])


@dataclass
class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and its text."""

    html: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


ENVIRONMENT = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


@pytest.fixture(scope="module")
def request_() -> Any:
    """A request that knows the addresses of static files."""
    with Configurator() as config:
        config.add_static_view("static", "connectapp:static")
    request = Request.blank("/accounts?next=%22%3E%3Cscript%3E")
    request.registry = config.registry
    request.colours_path = "/colours.css?x"
    return request


@pytest.fixture
def page(request_: Any, name: str, values: dict[str, Any]) -> Page:
    return Page(ENVIRONMENT.get_template(f"{name}.jinja2").render(values, request=request_))


def test_every_template_is_rendered_here() -> None:
    parts = {"bare", "layout", "_macros", "_replacement", "_choice"}
    assert {name for name, _values in PAGES} | parts == {path.stem for path in TEMPLATES.iterdir()}


@every_page
def test_hostile_text_stays_text(page: Page, name: str, values: dict[str, Any]) -> None:
    tags = {tag for tag, _attributes in page.elements}
    assert not tags & {"script", "style", "iframe", "object", "embed", "base", "svg"}
    for _tag, attributes in page.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
    if HOSTILE in values.values():
        assert HOSTILE in page.text


@every_page
def test_nothing_comes_from_elsewhere(page: Page, name: str, values: dict[str, Any]) -> None:
    for _tag, attributes in page.elements:
        for key in {"href", "src", "action", "srcset", "formaction"} & attributes.keys():
            address = attributes[key] or ""
            assert re.match(r"/(?!/)|#", address) or address in {values.get("url"), values.get("mails_url")}, address
            if address.startswith("/static/"):
                assert (STATIC / address.removeprefix("/static/")).is_file()


@every_page
def test_forms_carry_the_token_and_are_not_on_pages_without_a_referrer(
    page: Page, name: str, values: dict[str, Any]
) -> None:
    forms = [form for form in page.all("form") if form.get("role") != "search"]  # which changes nothing
    tokens = [a for a in page.all("input") if a.get("name") == "csrf_token"]
    assert len(tokens) == len(forms)
    assert all(form["method"] == "post" for form in forms)
    assert all(token["value"] == HOSTILE for token in tokens)
    # Browsers send `Origin: null` with a form of a no-referrer page, and we refuse that.
    if name in {"leave", "error"} or (name == "result" and not values["replacement"] and not values["choice"]):
        assert forms == []


@every_page
def test_pages_are_built_for_everybody(page: Page, name: str, values: dict[str, Any]) -> None:
    assert page.all("html") == [{"lang": "en"}]
    for tag in ("h1", "title", "header", "main", "footer"):
        assert len(page.all(tag)) == 1, tag
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    assert all("alt" in image for image in page.all("img"))
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {label["for"] for label in page.all("label")}
    fields = [attributes for tag in ("input", "select", "textarea") for attributes in page.all(tag)]
    assert labelled == {a.get("id") for a in fields if a.get("type") != "hidden"}
    described = {name for _tag, a in page.elements for name in (a.get("aria-describedby") or "").split()}
    assert described <= set(ids)
    named = {a["aria-labelledby"] for _tag, a in page.elements if "aria-labelledby" in a}
    assert named <= set(ids)


@pytest.mark.parametrize(("name", "values"), [("leave", {"site": SIGNED_IN} | LEAVE | {"auto": True})])
def test_the_way_out_is_one_link_to_exactly_that_address(page: Page) -> None:
    (link,) = [a for a in page.all("a") if (a["href"] or "").startswith("http")]
    assert (link["href"], link["rel"]) == (AWAY, "noreferrer")
    assert "/accounts" in [a["href"] for a in page.all("a") if a.get("class") == "button"]


STYLES = sorted(STATIC.rglob("*.css"))


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_load_nothing(path: Path) -> None:
    rules = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"url\(|@import|data:|https?:|image-set|expression", rules, re.IGNORECASE)


def test_vendored_styles_have_their_licence() -> None:
    for path in (STATIC / "vendor").glob("*.css"):
        name = re.sub(r"-[\d.]+\.css$", "", path.name)
        assert "MIT License" in (STATIC / "vendor" / f"{name}-LICENSE.txt").read_text()


def tokens(scheme: str) -> dict[str, str]:
    """The colours of a scheme."""
    light, dark = (STATIC / "tokens.css").read_text().split("@media")
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    return found | (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {})


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "soft", "link") for ground in ("paper", "card", "hover")),
    *((tone, f"{tone}-ground", 4.5) for tone in ("good", "wait", "bad", "ask", "calm")),
    *(("primary-ink", ground, 4.5) for ground in ("primary", "primary-hover")),
    *(("card", ground, 4.5) for ground in ("danger", "danger-hover")),
    *((edge, ground, 3) for edge in ("edge", "focus") for ground in ("paper", "card")),
    ("danger", "hover", 4.5),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(scheme: str) -> None:
    colours = tokens(scheme)
    low = {(a, b) for a, b, least in PAIRS if contrast(colours[a], colours[b]) < least}
    assert low == set()


def test_white_can_be_read_on_provider_buttons() -> None:
    (ground,) = re.findall(r"--provider: (#[0-9a-f]{6})", (STATIC / "tokens.css").read_text())
    assert contrast("#ffffff", ground) >= 4.5

"""Values of settings: what is taken, and what the admin reads otherwise."""

import pytest

from connectapp import values

CANARY = "canary-in-the-value"


@pytest.mark.row("RD-02", "CF-04")
@pytest.mark.parametrize(
    "text",
    [
        "http://example.org",
        "http://localhost:80@evil.test",
        "https://user@example.org",
        "https://user:pw@example.org",
        "https://example.org/path",
        "https://example.org?x=1",
        "https://example.org#x",
        "https://*.example.org",
        "https://EXAMPLE.org",
        "https://exämple.org",
        "https://",
        "ftp://example.org",
        "example.org",
        "javascript:alert(1)",
        "http://127.0.0.1.evil.test",
    ],
)
def test_addresses_that_are_no_base_url(text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        values.base_url(text)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://connect.example.org", "https://connect.example.org"),
        ("https://connect.example.org/", "https://connect.example.org"),
        ("https://example.org:8443", "https://example.org:8443"),
        ("http://localhost:6543", "http://localhost:6543"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://xn--exmple-cua.org", "https://xn--exmple-cua.org"),
    ],
)
def test_base_urls(text: str, url: str) -> None:
    assert values.base_url(text) == url


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.boolean, CANARY),
        (values.number(1, 5), CANARY),
        (values.number(1, 5), "0"),
        (values.number(1, 5), "6"),
        (values.number(1, 5), "-1"),
        (values.number(1, 5), "1.5"),
        (values.number(1, 5), "99999999999999999999"),
        (values.choice("a", "b"), CANARY),
        (values.token, f"{CANARY} two"),
        (values.token, "ca_ü"),
        (values.secret_token, f"{CANARY}\n"),
        (values.proxy_url, CANARY),
        (values.proxy_url, "socks5://x"),
        (values.database_url, CANARY),
        (values.database_url, f"mysql://user:{CANARY}@host/x"),
        (values.database_url, "sqlite://"),
        (values.host_map, CANARY),
        (values.host_map, f"host ftp://{CANARY}"),
    ],
)
def test_wrong_values_are_not_repeated(parse, text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse(text)
    assert CANARY not in str(caught.value)


def test_good_values() -> None:
    assert [values.boolean(text) for text in ("true", "Yes", "1", "off", "FALSE")] == [True, True, True, False, False]
    assert values.number(1, 5)("5") == 5
    assert values.words(" a  b\na ") == ("a", "b")
    assert values.path("x").startswith("/")
    assert values.secret_token("abc").reveal() == "abc"
    assert values.proxy_url("http://u:p@proxy:3128").reveal() == "http://u:p@proxy:3128"
    assert values.database_url("postgresql://u:p@h/x").reveal() == "postgresql+psycopg://u:p@h/x"
    assert values.database_url("sqlite:///x").reveal() == "sqlite:///x"
    assert values.host_map("\n* http://127.0.0.1:1/\napi.stripe.com https://x/y\n") == {
        "*": "http://127.0.0.1:1",
        "api.stripe.com": "https://x/y",
    }

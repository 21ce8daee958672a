"""Answers in XML, which are read as if they were JSON, and what is no such answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectapp.oauth.answers import AnswerFormat, object_of, token_answer, value_of
from connectapp.oauth.errors import AnswerError, OAuthError
from connectapp.oauth.strictxml import DEEPEST, MOST, loads
from connectapp.oauth.transport import Response

# As Braintree has it: braintree/braintree_ruby, lib/braintree/oauth_gateway.rb and xml/parser.rb.
TOKEN = b"""<?xml version="1.0" encoding="UTF-8"?>
<credentials>
  <access-token>access_token$sandbox$merchant$abc</access-token>
  <refresh-token>refresh_token$sandbox$merchant$abc</refresh-token>
  <token-type>bearer</token-type>
  <expires-at type="datetime">2026-11-23T12:17:36Z</expires-at>
</credentials>
"""
REFUSED = b"""<api-error-response><errors><errors type="array"/><credentials><errors type="array">
  <error><code>93801</code><attribute type="symbol">code</attribute><message>Invalid grant: code not found</message>
  </error></errors></credentials></errors></api-error-response>"""
FORM = AnswerFormat(
    paths={
        "access_token": "credentials.access-token",
        "refresh_token": "credentials.refresh-token",
        "token_type": "credentials.token-type",
        "expires_at": "credentials.expires-at",
    },
    errors=("api-error-response.errors.credentials.errors.0.code",),
)


def response(content: bytes, kind: str = "application/xml", status: int = 200) -> Response:
    return Response(status, {"Content-Type": kind}, content)


@pytest.mark.parametrize(
    "kind", ["application/xml", "text/xml", "Application/XML; charset=UTF-8", 'text/xml ;charset="utf-8"']
)
def test_a_token_in_xml(kind: str) -> None:
    answer = token_answer(response(TOKEN, kind), ("access_token",), FORM)
    assert (answer["access_token"], answer["token_type"]) == ("access_token$sandbox$merchant$abc", "bearer")
    assert (answer["refresh_token"], answer["expires_at"]) == ("refresh_token$sandbox$merchant$abc", 1795436256)


def test_an_error_in_xml_has_its_code() -> None:
    with pytest.raises(OAuthError) as caught:
        token_answer(response(REFUSED, status=422), ("access_token",), FORM)
    assert caught.value.error == "93801"
    assert "not found" not in str(caught.value)


def test_a_token_that_is_there_twice_is_no_text() -> None:
    twice = TOKEN.replace(b"<token-type>", b"<access-token>another</access-token><token-type>")
    answer = token_answer(response(twice), ("access_token",), FORM)
    assert answer["access_token"] == ["access_token$sandbox$merchant$abc", "another"]


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("<a/>", ""),
        ("<a>é &amp; &#x41;<![CDATA[<b>]]></a>", "é & A<b>"),
        ("<a> x </a>", " x "),
        ("<a>\n <b>1</b>\n <c/>\n</a>", {"b": "1", "c": ""}),
        ("<a><b>1</b><c>2</c><b>3</b></a>", {"b": ["1", "3"], "c": "2"}),
        ("<a><b><c>1</c></b><b><c>2</c></b></a>", {"b": [{"c": "1"}, {"c": "2"}]}),
        ('<x:a xmlns:x="urn:x"><x:b kind="k">1</x:b></x:a>', {"b": "1"}),
        ("<a><!-- c -->x<?p i?></a>", "x"),
        # The types of braintree_ruby, lib/braintree/xml/parser.rb, and braintree_node, lib/braintree/util.js.
        ('<a type="array"/>', []),
        ('<a type="array"><b>1</b></a>', ["1"]),
        ('<a type="array"><b><c>1</c></b><b><c>2</c></b></a>', [{"c": "1"}, {"c": "2"}]),
        ('<a><b type="integer">-12</b><c type="boolean">true</c></a>', {"b": -12, "c": True}),
        ('<a><b type="boolean">1</b><c type="boolean">false</c></a>', {"b": True, "c": False}),
        ('<a><b nil="true"/><c type="integer" nil="true"></c></a>', {"b": None, "c": None}),
        ('<a type="datetime">2026-11-23T12:17:36Z</a>', "2026-11-23T12:17:36Z"),
    ],
)
def test_a_document_is_what_json_would_be(content: str, value: Any) -> None:
    assert loads(content.encode()) == {"a": value}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"text",
        b"<a>",
        b"<a></b>",
        b"<a/><a/>",
        b"<a>x<b/></a>",
        b"<a>&unknown;</a>",
        b"<a>\0</a>",
        b'{"a": 1}',
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE html><html><body>fine</body></html>",
        b'<!DOCTYPE a SYSTEM "https://evil.test/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY % b SYSTEM "https://evil.test/">%b;]><a/>',
        b'<a type="integer">1.5</a>',
        b'<a type="integer"></a>',
        '<a type="integer">٣</a>'.encode(),
        b'<a type="integer">' + b"1" * 5000 + b"</a>",
        b'<a type="boolean">yes</a>',
        # Whatever is said of the encoding, it must be UTF-8.
        "<a>é</a>".encode("latin-1"),
        b'<?xml version="1.0" encoding="latin-1"?><a>x</a>',
        b'<?xml version="1.0" encoding="utf-16"?><a>x</a>',
        b'<?xml version="1.0" encoding="nonsense"?><a>x</a>',
        b'<?xml version="1.0" encoding="shift_jis"?><a>x</a>',
        "<a>x</a>".encode("utf-16"),
        "<a>x</a>".encode("utf-16-le"),
        '<?xml version="1.0" encoding="utf-16"?><a>x</a>'.encode("utf-16"),
    ],
)
def test_what_is_no_such_document_is_refused_without_its_text(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not acceptable as XML$"):
        loads(content)
    with pytest.raises(AnswerError, match=r"not acceptable as XML$"):
        value_of(response(content))


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def many(count: int) -> bytes:
    return b"<a>" + b"<b/>" * (count - 1) + b"</a>"


def test_there_are_only_so_many_elements() -> None:
    assert loads(nested(DEEPEST))
    assert len(loads(many(MOST))["a"]["b"]) == MOST - 1
    for content in (nested(DEEPEST + 1), many(MOST + 1), b"<a>" * 300_000, many(250_000)):
        with pytest.raises(ValueError, match=r"^not acceptable as XML$"):
            loads(content)


def test_the_media_type_alone_says_what_an_answer_is() -> None:
    answer = json.dumps({"credentials": {"access-token": "at"}}).encode()
    assert value_of(response(answer, "application/json")) == {"credentials": {"access-token": "at"}}
    for content, kind in ((answer, "application/xml"), (TOKEN, "application/json")):
        with pytest.raises(AnswerError, match="not acceptable"):
            value_of(response(content, kind))
    for kind in ("application/xhtml+xml", "text/html", "text/xml; charset=utf-16", "application/xml; charset=x", ""):
        with pytest.raises(AnswerError, match="neither JSON nor XML"):
            value_of(response(TOKEN, kind))


def test_a_list_is_a_value_and_no_object() -> None:
    assert value_of(response(b"[1]", "application/json")) == [1]
    with pytest.raises(AnswerError, match="not an object"):
        object_of(response(b"[1]", "application/json"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"<a>{text}</a>".encode("utf-8", "replace")))
def test_no_bytes_give_a_traceback(content: bytes) -> None:
    try:
        value = loads(content)
    except ValueError:
        return
    assert len(value) == 1

"""What a provider's API answers is read like a token answer: by its media type, as JSON or XML."""

from typing import Any

import pytest

from connectapp.errors import MalformedAnswerError
from connectapp.oauth.answers import AnswerFormat
from connectapp.oauth.transport import Response
from connectapp.providers.answers import account_object, not_revoked, object_told
from connectapp.providers.endpoints import Revoke

JSON, XML = "application/json", "application/xml"
FORM = AnswerFormat(errors=("result.errors.0.code",))
REVOKE = Revoke.model_validate({"url": "https://desk.example/revoke", "success": {"path": "result.success"}})


def response(content: str, kind: str, status: int = 200) -> Response:
    return Response(status, {"Content-Type": kind}, content.encode())


@pytest.mark.parametrize(
    ("content", "kind", "found"),
    [
        ('{"merchant": {"id": "m1"}}', JSON, {"merchant": {"id": "m1"}}),
        ("<merchant><id>m1</id></merchant>", XML, {"merchant": {"id": "m1"}}),
        ('[{"id": "m1"}]', JSON, [{"id": "m1"}]),
        # What is said to be something else, or is, tells nothing.
        ('{"merchant": {"id": "m1"}}', XML, {}),
        ("<merchant><id>m1</id></merchant>", JSON, {}),
        ('{"merchant": {"id": "m1"}}', "text/html", {}),
        ("<!DOCTYPE merchant><merchant><id>m1</id></merchant>", XML, {}),
        ("", "", {}),
    ],
)
def test_an_account_is_read_by_its_media_type(content: str, kind: str, found: Any) -> None:
    assert account_object(response(content, kind)) == found
    assert object_told(response(content, kind)) == (found if isinstance(found, dict) else {})


def test_what_came_of_revoking_may_be_xml() -> None:
    done, refused = "<result><success type='boolean'>{}</success></result>", "<error><code>gone</code></error>"
    assert not_revoked(response(done.format("true"), XML), REVOKE, {}, FORM) is None
    for told, kind in (("false", XML), ("true", "text/plain")):
        with pytest.raises(MalformedAnswerError):
            not_revoked(response(done.format(told), kind), REVOKE, {}, FORM)
    listed = f"<result><errors type='array'>{refused}</errors></result>"
    assert not_revoked(response(listed, XML, 422), REVOKE, {}, FORM) == "gone"

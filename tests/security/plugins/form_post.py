"""A provider that a test adds: it answers with a form that the browser posts."""

from typing import Any

from connectapp.providers.evil import declared

DECLARATION = declared("form_post", "Form post")


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION)

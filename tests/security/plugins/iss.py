"""A provider that a test adds: it names itself in every answer."""

from typing import Any

from connectapp.providers.evil import declared

DECLARATION = declared("iss", "Iss", issuer="https://iss.example")


def includeme(config: Any) -> None:
    config.add_provider(DECLARATION)

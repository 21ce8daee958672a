"""Authlib for Pyramid: an OAuth 2.0 client that Pyramid applications include (docs/authlib-pyramid.md).

It imports nothing else of connectapp and can be used in any Pyramid application.
"""

from typing import Any


def includeme(config: Any) -> None:
    """Add `config.register_oauth_client` and its siblings, and `request.oauth`."""
    config.include(".registry")

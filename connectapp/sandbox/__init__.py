"""The sandbox: stands in for payment providers with no internet, for development, demos and tests.

It is a counter-party, so it imports nothing of the rest of connectapp but the form of a declaration. See
docs/sandbox.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def main(global_config: dict[str, str], **settings: Any) -> "WSGIApplication":
    """The ``paste.app_factory`` ``egg:connectapp#sandbox``.

    :param settings: ``state_file``, ``host``, ``code_ttl`` (seconds), ``client_id``, ``secret_key``, ``mode``
        and ``redirect_uris`` (separated by white space), all optional; see `connectapp.sandbox.app.from_settings`.
    :raises ValueError: a setting is unknown or wrong.
    """
    from connectapp.sandbox.app import from_settings

    return from_settings(settings)

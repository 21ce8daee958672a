"""connectapp: organizers link their own payment accounts, so that ticket money goes straight to them.

See docs/architecture.md for where to find what.
"""

from typing import Any


def main(global_config: dict[str, str] | None, **settings: Any) -> Any:
    """Make the WSGI application (a PasteDeploy application factory).

    :param settings: the ini section; keys that begin with ``connectapp.`` are ours (docs/settings.md).
    :raises SystemExit: with one line per problem if it cannot run like this.
    """
    # Here and not above: `connectapp.oauth` is to be importable without the rest.
    from pyramid.config import Configurator

    from connectapp.errors import ConnectappError

    try:
        with Configurator(settings=settings) as config:
            config.include("connectapp")
            config.include("connectapp.schema.check")
            return config.make_wsgi_app()
    except ConnectappError as error:
        raise SystemExit(str(error)) from None


def includeme(config: Any) -> None:
    """Everything that connectapp is made of, in the order in which it is built."""
    config.include("connectapp.settings")
    config.include("connectapp.vault")
    config.include("connectapp.providers.registry.check")
    config.include("connectapp.settings.refuse_problems")
    config.include("connectapp.db")
    config.include("connectapp.worker")
    config.include("connectapp.mail")
    config.include("connectapp.http")
    config.include("connectapp.sessions")
    config.include("connectapp.security")
    config.include("connectapp.resources")
    config.include("connectapp.layout")
    config.include("connectapp.error_views")
    config.include("connectapp.providers.registry")
    config.include("connectapp.colours")
    config.include("connectapp.accounts.store")
    config.include("connectapp.accounts.chase")
    config.include("connectapp.accounts.notices")
    config.include("connectapp.accounts.views")
    config.include("connectapp.events.publish_views")
    config.include("connectapp.events.views")
    config.include("connectapp.payments.cashier")
    config.include("connectapp.payments.views")
    config.include("connectapp.connect.gates")
    config.include("connectapp.connect.views")
    config.include("connectapp.connect.recovery")
    config.include("connectapp.postman")
    config.include("connectapp.purge")
    config.include("connectapp.organizers.stepup")
    config.include("connectapp.organizers.switching")
    config.include("connectapp.organizers.switch_views")
    config.include("connectapp.organizers.signup_views")
    config.include("connectapp.organizers.invite_views")
    config.include("connectapp.organizers.member_views")
    config.include("connectapp.organizers.views")

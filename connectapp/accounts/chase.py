"""Takes the access back of accounts that are disconnected here, until the provider has confirmed it."""

from typing import Any

from connectapp.accounts.lifecycle import REVOKE, Lifecycle
from connectapp.accounts.models import DISCONNECTING
from connectapp.db import work_of
from connectapp.errors import NotYetError
from connectapp.jobs import Claim
from connectapp.providers.registry import get_providers
from connectapp.vault import get_vault


def revoke(registry: Any, job: Claim) -> None:
    """The job `REVOKE`. The first try was made by whoever disconnected; a provider that is asked twice says it is gone.

    :raises NotYetError: if the provider did not confirm, or is not configured.
    """
    lifecycle = Lifecycle(work_of(registry), get_vault(registry))
    account = lifecycle.unrevoked(job.subject)
    if account is None:
        return
    provider = get_providers(registry).get(account.provider)
    if provider is None or provider.mode != account.mode:
        raise NotYetError(f"{account.provider} is not configured in {account.mode} mode")
    if lifecycle.revoke_again(provider, job.subject, account.owner) == DISCONNECTING:
        raise NotYetError("the provider did not confirm")


def includeme(config: Any) -> None:
    config.add_job(REVOKE, revoke)

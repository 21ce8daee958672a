"""Why a link must be connected again, as words for the program and as sentences for its organizer."""

REFRESH_REFUSED = "refresh_refused"  # the provider refused to renew the access
REFRESH_LOST = "refresh_lost"  # it renewed the access perhaps, and we stopped before its answer was stored
DISCONNECTED_THERE = "disconnected_there"  # it told that the organizer took the access back
ACCESS_REFUSED = "access_refused"  # it does not accept the access any more

SENTENCES = {
    REFRESH_REFUSED: "{provider} did not renew our access to this account.",
    REFRESH_LOST: "Our access to this account was being renewed when we were interrupted, and {provider} does not "
    "accept what we have any more.",
    DISCONNECTED_THERE: "{provider} told us that the connection was ended there.",
    ACCESS_REFUSED: "{provider} does not accept our access to this account any more.",
}


def sentence(reason: str, provider_title: str) -> str:
    """The reason in the organizer's words."""
    return SENTENCES[reason].format(provider=provider_title)

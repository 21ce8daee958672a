"""Which providers a page offers at once: a few that fit the organizer. The rest is one click away, or searched for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectapp import countries
from connectapp.layout import ProviderLink, provider_link
from connectapp.providers.interfaces import IPaymentProvider

AT_ONCE = 6  # so many are easily looked over
LONGEST = 60  # of what is searched for

_REGION = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})\b")  # RFC 5646: language, script, region


@dataclass(frozen=True)
class Place:
    """Where an organizer takes money, as far as it is known.

    :param country: ISO 3166-1 alpha-2. :param currency: ISO 4217, lower case.
    """

    country: str | None = None
    currency: str | None = None

    @property
    def country_name(self) -> str | None:
        """In English."""
        return countries.name(self.country)


@dataclass(frozen=True)
class Offers:
    """The providers of a page.

    :param first: what is shown at once. :param fitting, others: the rest, those that fit the organizer's place and
        those that do not. :param text: what was searched for; then `first` is what was found.
    """

    first: list[ProviderLink]
    fitting: list[ProviderLink]
    others: list[ProviderLink]
    place: Place
    text: str = ""

    @property
    def rest(self) -> int:
        """How many are not shown at once."""
        return len(self.fitting) + len(self.others)

    @property
    def searchable(self) -> bool:
        """Whether there is more to be found than what is shown."""
        return bool(self.rest or self.text)


def guess(request: Any, country: str | None, currency: str | None) -> Place:
    """The place: what is known of the organizer, or else what their browser says. It changes an order, and no more."""
    told = _REGION.match(request.headers.get("Accept-Language", ""))
    region = told[1].upper() if told else None
    return Place(country or (region if countries.name(region) else None), currency and currency.lower())


def arrange(providers: Iterable[IPaymentProvider], place: Place, text: str = "") -> Offers:
    """Put providers in order: those that fit as the admin ordered them, those for tickets first; the rest by name.

    :param text: what the organizer searches for, in names of providers and of countries.
    """
    every = list(providers)
    text = text.strip()[:LONGEST]
    if text:
        return Offers([provider_link(one) for one in every if _is_meant(one, text.casefold())], [], [], place, text)
    own = countries.currencies(place.country)
    fitting = sorted((one for one in every if _fits(one, place, own)), key=lambda one: not one.charges)
    others = [one for one in every if one not in fitting]
    if len(every) <= AT_ONCE:
        fitting, others = every, []
    first, more = fitting[:AT_ONCE], fitting[AT_ONCE:]
    return Offers(_links(first), _by_title(more), _by_title(others), place)


def _fits(provider: IPaymentProvider, place: Place, own: frozenset[str]) -> bool:
    if place.country and provider.countries and place.country not in provider.countries:
        return False
    return not (place.currency and provider.currencies) or place.currency in provider.currencies | own


def _is_meant(provider: IPaymentProvider, text: str) -> bool:
    words = [provider.title, provider.name, *(countries.name(code) or "" for code in provider.countries)]
    return any(text in word.casefold() for word in words) or text.upper() in provider.countries


def _links(providers: list[IPaymentProvider]) -> list[ProviderLink]:
    return [provider_link(one) for one in providers]


def _by_title(providers: list[IPaymentProvider]) -> list[ProviderLink]:
    return _links(sorted(providers, key=lambda one: one.title.casefold()))

"""What an organizer says before they leave: the shop, the site, whatever is a part of the addresses of their account.

A tenant decides which host is told the platform's secret. So it is checked where it is typed, and by the provider again
whenever it is used, wherever it comes from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: The declaration's variables that the organizer is asked for, and what was said; empty where nobody is asked.
Tenant = Mapping[str, str]

# Whatever a declaration's pattern allows besides: nothing that ends a host and begins something else.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True)
class Question:
    """One thing that the organizer is asked.

    :param name: of the variable. :param label: of the field. :param example: what an answer looks like.
    :param pattern: an anchored regular expression. :param suffix: what may be typed after the answer and is left out.
    :param lower_case: whether capitals mean the same.
    """

    name: str
    label: str
    example: str
    pattern: str
    suffix: str = ""
    lower_case: bool = False

    def read(self, typed: str) -> str | None:
        """The answer; None if what was typed is none."""
        text = typed.strip(" ")
        if self.lower_case and text.isascii():  # beyond ASCII some capitals turn into other letters
            text = text.lower()
        text = text.removesuffix(self.suffix)
        return text if self.fits(text) else None

    def fits(self, value: object) -> bool:
        """Whether this is an answer, exactly as it is."""
        if not isinstance(value, str) or not _HARMLESS.fullmatch(value):
            return False
        return re.fullmatch(self.pattern, value) is not None

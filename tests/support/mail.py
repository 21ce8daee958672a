"""Mails as their reader sees them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Mail:
    """One mail that was delivered."""

    to: str
    subject: str
    body: str

    def link(self, path: str) -> str:
        """Path and query of the first link in the body whose path begins so."""
        for link in re.findall(r"https?://\S+", self.body):
            parts = urlsplit(link)
            if parts.path.startswith(path):
                return f"{parts.path}?{parts.query}" if parts.query else parts.path
        raise AssertionError(f"no link to {path} in: {self.body}")

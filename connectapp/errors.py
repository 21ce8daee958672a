"""What can go wrong, as a tree. Knows no HTTP; `error_views` turns these into pages.

::

    ConnectappError
    ├── SettingsError         the configuration is missing something or contradicts itself
    ├── SchemaError           the database is not at the revision that this code needs
    ├── VaultError            secrets cannot be sealed or opened
    │   ├── KeyRingError      the key ring is missing, weak, readable by others, or another database's
    │   └── UnreadableError   a sealed value was altered, moved, or sealed with an unknown key
    ├── RefusedError          a request that we refuse, for a reason that the user can act on
    ├── OtherOrganizerError   a form was made for another organizer than the one that is acted for now
    ├── UnavailableError      we cannot do it now, nothing was changed, the same request may be sent again
    ├── NotYetError           a job is not done and is to be tried again
    └── ProviderError         the payment provider did not do what was asked
        ├── NotSentError          surely nothing reached the provider
        ├── GrantRefusedError     the provider answered no
        ├── OutcomeUnknownError   the provider may or may not have done it
        └── MalformedAnswerError  the provider answered something that cannot be used

No message of any of these carries a secret, a code, a state, or a provider's own prose.
"""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What is added to the complaint about an unknown name: the nearest known one; nothing, if none is near.

    :param prefix: what stands before the names when they are shown.
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""


class ConnectappError(Exception):
    """The root of every error that connectapp raises on purpose."""


class SettingsError(ConnectappError):
    """Settings are missing or wrong.

    :param problems: one line each, ready to be shown to the admin.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class SchemaError(ConnectappError):
    """The database is empty, older or newer than the code; the text names the command to run."""


class VaultError(ConnectappError):
    """Secrets cannot be sealed or opened."""


class KeyRingError(VaultError):
    """The key ring cannot be used; the text names the setting and never the key."""


class UnreadableError(VaultError):
    """A sealed value does not open: altered, moved to another row, or its key is not in the ring."""


class RefusedError(ConnectappError):
    """A request is refused.

    :param reason: a machine word, e.g. ``too_many_attempts``; the pages have the sentence for it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class OtherOrganizerError(ConnectappError):
    """The form was made for another organizer than the one that the user acts for now, in another tab perhaps.

    :param organizer_id: the form's, as the browser sent it.
    """

    def __init__(self, organizer_id: str) -> None:
        self.organizer_id = organizer_id
        super().__init__("another organizer's form")


class UnavailableError(ConnectappError):
    """Not possible now; nothing was changed and the same request may be sent again."""


class NotYetError(ConnectappError):
    """A job is not done and is to be tried again; the text says why, for the admin."""


class ProviderError(ConnectappError):
    """The payment provider did not do what was asked.

    :param code: a machine word of ours or of the provider's documented list, never its prose.
    :param external_id: the provider's account id, where the answer named one (so that it can be revoked).
    """

    def __init__(self, code: str, external_id: str | None = None) -> None:
        self.code = code
        self.external_id = external_id
        super().__init__(code)


class NotSentError(ProviderError):
    """Surely nothing reached the provider (name resolution, connect or TLS failed)."""


class GrantRefusedError(ProviderError):
    """The provider answered that it will not."""


class OutcomeUnknownError(ProviderError):
    """The request may have reached the provider, and no usable answer came back."""


class MalformedAnswerError(ProviderError):
    """An answer came back that cannot be used: not JSON, fields missing or of the wrong type."""

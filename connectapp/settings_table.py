"""Every setting, declared once; docs/settings.md describes each, and a test fails when one is missing there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectapp import values
from connectapp.secret import Secret

PREFIX = "connectapp."
ENVIRONMENT_PREFIX = "CONNECTAPP_"


@dataclass(frozen=True)
class Setting:
    """One setting.

    :param key: the name after ``connectapp.``.
    :param parse: text to value; raises ValueError with a sentence for the admin, without the value in it.
    :param default: the text that stands when nothing is given; None if there is no value then.
    """

    key: str
    parse: Callable[[str], Any] = str
    default: str | None = None
    required: bool = False
    secret: bool = False

    @property
    def attribute(self) -> str:
        return self.key.replace(".", "_")

    @property
    def variable(self) -> str:
        return ENVIRONMENT_PREFIX + self.key.replace(".", "_").upper()


SETTINGS = (
    Setting("environment", values.choice("production", "development"), "production"),
    Setting("url", values.base_url, required=True),
    Setting("allowed_hosts", values.words, ""),
    Setting("database_url", values.database_url, required=True, secret=True),
    Setting("vault.key_file", values.path),
    Setting("vault.keys", Secret, secret=True),
    Setting("journal_dir", values.path, required=True),
    Setting("providers", values.words, "stripe"),
    Setting("hosts", values.host_map, ""),
    Setting("transport.deadline", values.number(1, 60), "15"),
    Setting("transport.connections", values.number(1, 200), "20"),
    Setting("transport.ca_file", values.path),
    Setting("transport.proxy", values.proxy_url, secret=True),
    Setting("attempt.minutes", values.number(5, 1440), "60"),
    Setting("attempt.max_open", values.number(1, 1000), "20"),
    Setting("attempt.max_per_hour", values.number(1, 10000), "60"),
    Setting("attempt.max_waiting", values.number(1, 1000), "8"),
    Setting("session.idle_minutes", values.number(5, 10080), "120"),
    Setting("session.absolute_hours", values.number(1, 720), "12"),
    Setting("signup", values.choice("open", "invite", "closed"), "closed"),
    Setting("signin.fresh_minutes", values.number(1, 1440), "30"),
    Setting("mail.server", values.mail_server, secret=True),
    Setting("mail.from", values.mailbox),
    Setting("leave_page.wait", values.boolean, "false"),
    Setting("share_accounts", values.boolean, "false"),
    Setting("recovery.seconds", values.number(0, 3600), "30"),
    Setting("worker.embedded", values.boolean, "true"),
    Setting("worker.threads", values.number(2, 100), "3"),
    Setting("worker.seconds", values.number(1, 3600), "5"),
    Setting("http.max_body_kib", values.number(1, 10240), "64"),
    Setting("demo", values.boolean, "false"),
)

PROVIDER_SETTINGS = (
    Setting("client_id", values.token, required=True),
    Setting("client_secret", values.secret_token, required=True, secret=True),
    Setting("mode", values.choice("test", "live"), required=True),
    Setting("scope", str),
    Setting("store_tokens", values.boolean, "true"),
    Setting("pay_with", values.choice("platform", "account"), "platform"),
    Setting("webhook_secrets", values.secrets, secret=True),
    Setting("accept_unverified", values.boolean, "false"),
    Setting("variant", str),
    Setting("file", values.path),
)
# A whole provider by the ini alone; `connectapp.providers.sources` makes a declaration of them.
INI_SETTINGS = (
    Setting("title", str),
    Setting("authorize_url", str),
    Setting("token_url", str),
    Setting("token_auth", str),
    Setting("scopes", str),
    Setting("pkce", str),
    Setting("issuer", str),
    Setting("account_url", str),
    Setting("account_id", str),
    Setting("account_name", str),
    Setting("revoke_url", str),
    Setting("charges", values.boolean),
)
#: Settings whose last part is the declaration's: ``provider.clover.variable.region``.
FREE_PARTS = (Setting("variable"), Setting("option"), Setting("secret", values.secret_token, secret=True))

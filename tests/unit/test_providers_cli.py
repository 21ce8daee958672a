"""What the command line tells of providers."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from connectapp.cli import main
from connectapp.providers.sources import CATALOGUE, read
from connectapp.secret import MASK

SECRET = "sk_live_canary_4711"
ACME = """
name = "acme"
title = "Acme Pay"
charges = true

[modes]
by = "host"
live = { host = "pay.acme.example", testing = false, stage = 1 }
test = { host = "sandbox.acme.example", testing = true, stage = 2 }

[variables.region]
title = "where the merchants are: eu or us"
pattern = "^(eu|us)$"

[secrets.desk_key]
title = "the key of your desk"

[authorize]
url = "https://{host}/{region}/authorize"
params = { testing = "{testing}", stage = "{stage}", "a key" = "\\"quoted\\"" }

[scopes.presets]
charge = ["payments", "profile"]

[token]
url = "https://{host}/token"
headers = { X-Key = "Key {client_secret}", X-Desk = "{desk_key}" }

[identify]
url = "https://{host}/accounts/{account}"
id = "id"

[webhook]
header = "X-Signature"
algorithm = "hmac-sha256"
signed = "{url}{body}"

[revoke]
url = "https://{host}/revoke"
params = { token = "{access_token}", client_id = "{client_id}" }

[unverified]
"identify.url" = '''from memory,
not seen'''
"""


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    (tmp_path / "acme.toml").write_text(ACME)
    file = tmp_path / "site.ini"
    file.write_text(
        f"""[app:main]
use = egg:connectapp
connectapp.url = https://connect.example.org
connectapp.providers = acme stripe
connectapp.provider.acme.file = {tmp_path}/acme.toml
connectapp.provider.acme.client_id = ca_1
connectapp.provider.acme.client_secret = {SECRET}
connectapp.provider.acme.secret.desk_key = desk_{SECRET}
connectapp.provider.acme.mode = live
connectapp.provider.acme.variable.region = eu
"""
    )
    return file


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["providers", *map(str, arguments)]) == 0
    out = capsys.readouterr().out
    assert SECRET not in out
    return out


def test_the_list_has_what_is_used_and_what_could_be(ini: Path, capsys) -> None:
    lines = told(capsys, "list", ini).splitlines()
    assert lines[:2] == [
        "acme  Acme Pay  live  from connectapp.provider.acme.file  charges yes  1 unverified",
        "stripe  Stripe  no mode  from the catalogue  charges yes  0 unverified",
    ]
    offered = {path.stem.partition(".")[0] for path in CATALOGUE.glob("*.toml")} - {"stripe"}
    assert lines[2:] == [f"{name}  not used  from the catalogue" for name in sorted(offered)]
    ini.write_text(ini.read_text().replace("acme stripe", "acme"))
    told_of = "stripe  not used  from the catalogue, also as variant apps, onboarding"
    assert told_of in told(capsys, "list", ini).splitlines()


def test_the_list_says_what_is_wrong_with_a_provider(ini: Path, capsys) -> None:
    ini.write_text(ini.read_text().replace("acme stripe", "acme stripes"))
    assert "stripes  connectapp.providers names 'stripes', which is not a provider; did you mean stripe?" in told(
        capsys, "list", ini
    )


def test_a_declaration_is_shown_with_the_settings_in_it(ini: Path, capsys) -> None:
    out = told(capsys, "show", ini, "acme")
    shown = tomllib.loads(out)
    assert shown["authorize"]["url"] == "https://pay.acme.example/eu/authorize"
    assert shown["authorize"]["params"] == {"testing": False, "stage": 1, "a key": '"quoted"'}
    assert shown["token"]["headers"] == {"X-Key": f"Key {MASK}", "X-Desk": MASK}
    assert shown["secrets"] == {"desk_key": {"title": "the key of your desk"}}
    assert shown["identify"]["url"] == "https://pay.acme.example/accounts/{account}"
    assert shown["revoke"]["params"] == {"token": "{access_token}", "client_id": "ca_1"}
    assert shown["webhook"]["signed"] == "{url}{body}"
    assert "unverified" not in shown


def test_what_is_to_be_registered_is_said_for_each_mode(ini: Path, capsys) -> None:
    comments = [line[2:].strip() for line in told(capsys, "show", ini, "acme").splitlines() if line.startswith("# ")]
    assert comments[0] == "Acme Pay, live mode, from connectapp.provider.acme.file"
    for mode in ("test", "live"):
        assert f"{mode}: redirect URI https://connect.example.org/connect/acme/callback" in comments
        assert f"{mode}: webhook URL  https://connect.example.org/connect/acme/webhook" in comments
    assert "Scope asked for: payments profile" in comments
    assert "identify.url: from memory, not seen" in comments
    assert "connectapp.database_url is missing" in "\n".join(comments)
    assert "accept_unverified = true" in "\n".join(comments)


def test_development_needs_no_secret(ini: Path, capsys) -> None:
    lines = [line for line in ini.read_text().splitlines() if not re.search(r"client_|mode|secret", line)]
    ini.write_text("\n".join([*lines, "connectapp.environment = development"]))
    out = told(capsys, "show", ini, "acme")
    shown = tomllib.loads(out)
    assert shown["token"]["headers"] == {"X-Key": f"Key {MASK}", "X-Desk": MASK}
    assert shown["revoke"]["params"]["client_id"] == "ca_sandbox_acme"
    assert "provider.acme" not in out.partition("It does not start like this")[2].partition("name = ")[0]
    ini.write_text(ini.read_text().replace("environment = development", "environment = production"))
    missing = "connectapp.provider.acme.secret.desk_key is missing: the key of your desk"
    assert missing in told(capsys, "show", ini, "acme")


@pytest.mark.parametrize("name", sorted(path.stem for path in CATALOGUE.glob("*.toml") if "." not in path.stem))
def test_the_catalogue_can_be_looked_at_before_it_is_used(ini: Path, capsys, name: str) -> None:
    ini.write_text(ini.read_text().replace("acme stripe", "acme"))
    out = told(capsys, "show", ini, name)
    declared = read(CATALOGUE / f"{name}.toml")
    assert out.startswith(f"# {declared.title}, test mode, from the catalogue; not in connectapp.providers\n")
    assert f"redirect URI https://connect.example.org/connect/{name}/callback" in out
    assert "does not start" not in out
    assert tomllib.loads(out)["name"] == name


def test_a_provider_that_nobody_knows(ini: Path, capsys) -> None:
    assert main(["providers", "show", str(ini), "nobody"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "nobody is neither in connectapp.providers nor in the catalogue\n"


def test_without_an_address_of_the_site_it_stands_open(ini: Path, capsys) -> None:
    ini.write_text(ini.read_text().replace("connectapp.url = ", "# "))
    assert "redirect URI <connectapp.url>/connect/acme/callback" in told(capsys, "show", ini, "acme")


def test_the_schema_is_for_editors(capsys) -> None:
    schema = json.loads(told(capsys, "schema"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"name", "title", "modes", "identify", "revoke"} <= set(schema["required"])
    assert "The segment in addresses" in schema["properties"]["name"]["description"]


def test_the_reference_has_every_part(capsys) -> None:
    page = told(capsys, "reference")
    for heading in ("Declaration", "Modes", "Variable", "Authorize", "Token", "Answer", "Identify", "Webhook"):
        assert f"\n## {heading}\n" in page
    assert "| `url` | address | required |" in page
    assert "`token.answer`" in page

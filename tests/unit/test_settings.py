"""Settings from a mapping, and `.env`, as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuronova.contract.roles import Role
from neuronova.contract.settings import Endpoint, SettingsError, read_dotenv, read_settings, with_secret_files


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("DATA", "/srv/pacs", "data", Path("/srv/pacs")),
        ("DATA", "/srv/a/../pacs", "data", Path("/srv/pacs")),
        ("HTTP_PORT", " 80 ", "http_port", 80),
        ("ORTHANC_PORT", "65535", "orthanc_port", 65535),
        ("MORE_ORTHANCS", "none", "more_orthancs", ()),
        ("API_PORT", "1", "api_port", 1),
        ("API_PROCESSES", "1", "api_processes", 1),
        ("DICOM_PORT", "104", "dicom_port", 104),
        ("AET", "CT 1", "aet", "CT 1"),
        ("AET", "A" * 16, "aet", "A" * 16),
        ("BIND", "0.0.0.0", "bind", "0.0.0.0"),
        ("PUBLIC_URL", "https://pacs.example.org/", "public_url", "https://pacs.example.org"),
        ("PUBLIC_URL", "http://h:81", "public_url", "http://h:81"),
        ("ORTHANC_URL", "https://pacs.example.org/orthanc/", "orthanc_url", "https://pacs.example.org/orthanc"),
        ("INFERENCE_URL", "http://127.0.0.2:81", "inference_url", "http://127.0.0.2:81"),
        ("ENCODE_WORKERS", "3", "encode_workers", 3),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("LOG_FORM", "JSON", "log_form", "json"),
        ("TRACES", "http://127.0.0.1:4318/", "traces", "http://127.0.0.1:4318"),
        ("TRACES_SAMPLE", "0.25", "traces_sample", 0.25),
        ("TRACES_SAMPLE", "1.0", "traces_sample", 1.0),
        ("DATABASE_URL", "postgresql://u:p@h/d", "database_url", "postgresql://u:p@h/d"),
        ("ORTHANC_INDEX_URL", "postgresql://u:p@h/i", "orthanc_index_url", "postgresql://u:p@h/i"),
        ("ADMIN_PASSWORD", "correct horse battery", "admin_password", "correct horse battery"),
        ("BREAK_GLASS_MINUTES", "15", "break_glass_minutes", 15),
        ("AUDIT_YEARS", "10", "audit_years", 10),
        ("SYSLOG", "logs.example.org", "syslog", Endpoint("logs.example.org", 6514)),
        ("SYSLOG", "logs:601", "syslog", Endpoint("logs", 601)),
        ("SYSLOG", "[2001:db8::1]:601", "syslog", Endpoint("2001:db8::1", 601)),
        ("AI_RULES", "/etc/rules.yaml", "ai_rules", Path("/etc/rules.yaml")),
        ("FORWARDING_RULES", "/etc/forwarding.yaml", "forwarding_rules", Path("/etc/forwarding.yaml")),
        ("PREFETCH_RULES", "/etc/prefetch.yaml", "prefetch_rules", Path("/etc/prefetch.yaml")),
        ("RETENTION_RULES", "/etc/retention.yaml", "retention_rules", Path("/etc/retention.yaml")),
        ("DUPLICATES_REFUSED", "no", "duplicates_refused", False),
        ("AI_QUIET_SECONDS", "0.1", "ai_quiet_seconds", 0.1),
        ("AI_LONGEST_WAIT", "86400", "ai_longest_wait", 86400.0),
        ("OIDC_ROLE_CLAIM", "realm_access.roles", "oidc_role_claim", "realm_access.roles"),
    ],
)
def test_read(name: str, text: str, field: str, value: object) -> None:
    settings = read_settings({f"NEURONOVA_{name}": text})
    assert getattr(settings, field) == value
    assert read_settings(settings.environment()) == settings


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("HTP_PORT", "80", "NEURONOVA_HTP_PORT is not a setting"),
        ("http_port", "80", "NEURONOVA_http_port is not a setting"),
        ("AI_QUIET_SECONDS", "0.09", "0.1 to 3600"),
        ("AI_QUIET_SECONDS", "nan", "0.1 to 3600"),
        ("AI_QUIET_SECONDS", "3601", "0.1 to 3600"),
        ("AI_LONGEST_WAIT", "86401", "0.1 to 86400"),
        ("AET", "", "NEURONOVA_AET is empty"),
        ("AET", "  ", "NEURONOVA_AET is empty"),
        ("AET", "A" * 17, "16 printable ASCII"),
        ("AET", "A\\B", "backslash"),
        ("AET", "뇌", "ASCII"),
        ("HTTP_PORT", "0", "1 to 65535"),
        ("HTTP_PORT", "65536", "1 to 65535"),
        ("HTTP_PORT", "-1", "1 to 65535"),
        ("HTTP_PORT", "8 0", "1 to 65535"),
        ("HTTP_PORT", "²", "1 to 65535"),
        ("MORE_ORTHANCS", "8143", "none, or ports as HTTP:DICOM"),
        ("MORE_ORTHANCS", "8143:4343,", "none, or ports as HTTP:DICOM"),
        ("MORE_ORTHANCS", "8143:4242", "NEURONOVA_DICOM_PORT and NEURONOVA_MORE_ORTHANCS are both 4242"),
        ("MORE_ORTHANCS", "8143:4343", "NEURONOVA_MORE_ORTHANCS is set and NEURONOVA_ORTHANC_INDEX_URL is not"),
        ("DICOM_PORT", "8042", "NEURONOVA_ORTHANC_PORT and NEURONOVA_DICOM_PORT are both 8042"),
        ("BIND", "a b", "an address"),
        ("BIND", "0.0.0.0; deny all", "an address"),
        ("ORTHANC_URL", "http://pacs.example.org", "an https address"),
        ("INFERENCE_URL", "http://127.0.0.1.example.org", "an https address"),
        ("PUBLIC_URL", "pacs.example.org", "an origin"),
        ("PUBLIC_URL", "https://pacs.example.org/path", "an origin"),
        ("PUBLIC_URL", "https://pacs.example.org?x", "an origin"),
        ("PUBLIC_URL", "https://user@pacs.example.org", "an origin"),
        ("PUBLIC_URL", 'https://a";x', "an origin"),
        ("ENCODE_WORKERS", "none", "1 to 64"),
        ("DATABASE_URL", "mysql://u@h/d", "postgresql://"),
        ("ORTHANC_INDEX_URL", "sqlite:///index", "postgresql://"),
        ("ADMIN_PASSWORD", "short", "12 to 256"),
        ("BREAK_GLASS_MINUTES", "0", "1 to 1440"),
        ("AUDIT_YEARS", "0", "1 to 100"),
        ("AUDIT_YEARS", "ever", "1 to 100"),
        ("SYSLOG", "logs:0", "a host and perhaps a port"),
        ("SYSLOG", "logs:65536", "a host and perhaps a port"),
        ("SYSLOG", "tls://logs", "a host and perhaps a port"),
        ("SYSLOG", "2001:db8::1", "a host and perhaps a port"),
        ("SYSLOG_CA", "/ca.pem", "NEURONOVA_SYSLOG is not"),
        ("SYSLOG_CERTIFICATE", "/our.pem", "NEURONOVA_SYSLOG is not"),
        ("SYSLOG_KEY", "/our.key", "NEURONOVA_SYSLOG_CERTIFICATE is not"),
        ("OIDC_JWKS_URL", "http://id.example.org/keys", "https"),
        ("OIDC_JWKS_URL", "file:///etc/passwd", "https"),
        ("OIDC_ROLES", "physicians", "a mapping"),
        ("OIDC_ROLES", "physicians=king", "a mapping"),
        ("OIDC_ROLES", "people=patient", "but patient"),
        ("OIDC_ISSUER", "https://id.example.org", "NEURONOVA_OIDC_JWKS_URL is missing"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
        ("LOG_FORM", "xml", "text, json"),
        ("TRACES", "127.0.0.1:4318", "an origin"),
        ("TRACES_SAMPLE", "1.1", "from 0 to 1"),
        ("TRACES_SAMPLE", "nan", "from 0 to 1"),
    ],
)
def test_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"NEURONOVA_{name}|both") as raised:
        read_settings({f"NEURONOVA_{name}": text})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_collector() -> None:
    files = {f"NEURONOVA_SYSLOG_{name}": f"/{name}" for name in ("CA", "CERTIFICATE", "KEY")}
    settings = read_settings({"NEURONOVA_SYSLOG": "logs", **files})
    assert (settings.syslog_ca, settings.syslog_key) == (Path("/CA"), Path("/KEY"))
    assert read_settings(settings.environment()) == settings


PROVIDER = {
    "NEURONOVA_OIDC_ISSUER": "https://id.example.org",
    "NEURONOVA_OIDC_JWKS_URL": "http://127.0.0.1:1/keys",
    "NEURONOVA_OIDC_AUDIENCE": "neuronova",
    "NEURONOVA_OIDC_ROLES": "pacs-admins=admin, cn=md,ou=x=doctor",
}


def test_an_identity_provider() -> None:
    with pytest.raises(SettingsError, match="a mapping"):
        read_settings(PROVIDER)  # a comma parts the pairs
    settings = read_settings(PROVIDER | {"NEURONOVA_OIDC_ROLES": "pacs-admins=admin, cn=md=doctor"})
    assert settings.oidc_roles == (("pacs-admins", Role.ADMIN), ("cn=md", Role.DOCTOR))
    assert read_settings(settings.environment()) == settings


def test_several_processes_of_the_api_need_postgresql() -> None:
    several = {"NEURONOVA_API_PROCESSES": "2"}
    with pytest.raises(SettingsError, match=r"NEURONOVA_API_PROCESSES is 2 .* PostgreSQL"):
        read_settings(several)
    settings = read_settings(several | {"NEURONOVA_DATABASE_URL": "postgresql://h/d"})
    assert settings.api_processes == 2
    assert read_settings(settings.environment()) == settings


def test_orthancs_index_has_a_database_of_its_own_and_is_never_shown() -> None:
    index = {"NEURONOVA_ORTHANC_INDEX_URL": "postgresql://u:secret1234@h/d"}
    with pytest.raises(SettingsError, match="are one database") as refused:
        read_settings(index | {"NEURONOVA_DATABASE_URL": "postgresql://u:secret1234@h/d"})
    assert "secret1234" not in str(refused.value)
    assert "secret1234" not in repr(read_settings(index))


def test_a_broker_needs_postgresql_and_is_never_shown() -> None:
    broker = {"NEURONOVA_BROKER_URL": "rediss://:secret1234@broker.example.org:6380/0"}
    with pytest.raises(SettingsError, match="needs PostgreSQL"):
        read_settings(broker)
    settings = read_settings(broker | {"NEURONOVA_DATABASE_URL": "postgresql://h/d"})
    assert read_settings(settings.environment()) == settings
    assert "secret1234" not in repr(settings)
    with pytest.raises(SettingsError) as refused:
        read_settings({"NEURONOVA_BROKER_URL": "http://:secret1234@h"})
    assert "secret1234" not in str(refused.value)


@pytest.mark.parametrize("name", ["NEURONOVA_ADMIN_PASSWORD", "NEURONOVA_DATABASE_URL"])
def test_a_secret_may_be_in_a_file_and_is_never_shown(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://x:secret1234@h/d\n")
    found = with_secret_files({f"{name}_FILE": str(file)}, Path.read_text)
    assert found == {name: "postgresql://x:secret1234@h/d"}
    assert "secret1234" not in repr(read_settings(found))
    with pytest.raises(SettingsError, match="both set"):
        with_secret_files({f"{name}_FILE": str(file), name: "x"}, Path.read_text)
    with pytest.raises(SettingsError, match=f"{name}_FILE"):
        with_secret_files({f"{name}_FILE": str(tmp_path / "none")}, Path.read_text)
    with pytest.raises(SettingsError) as refused:
        read_settings({name: "odd-word"})
    assert "odd-word" not in str(refused.value)


def test_backups_need_a_place_outside_of_the_data_and_a_password(tmp_path: Path) -> None:
    data, place = ("NEURONOVA_DATA", str(tmp_path)), "NEURONOVA_BACKUP_REPOSITORY"
    password = {"NEURONOVA_BACKUP_PASSWORD": "secret123456"}
    for alone in (password, {place: "sftp:user@host:/folder"}):
        with pytest.raises(SettingsError, match="no use alone"):
            read_settings(alone)
    with pytest.raises(SettingsError, match="would be lost with it"):
        read_settings(dict([data]) | password | {place: str(tmp_path / "backups")})
    found = read_settings(dict([data]) | password | {place: "rest:https://user:secret1234@host/"})
    assert read_settings(found.environment()) == found
    assert found.backup_repository == "rest:https://user:secret1234@host/"
    assert "secret12" not in repr(found)
    folder = read_settings(password | {place: "backups"}).backup_repository
    assert folder == str(Path.cwd() / "backups")


def test_variables_of_others_are_passed_over() -> None:
    assert read_settings({"HOME": "/", "AET": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# a comment\n\n  # another\n", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        (" A = 1 ", {"A": "1"}),
        ("A='x y'", {"A": "x y"}),
        ('A="x"', {"A": "x"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ('A="it\'s"', {"A": "it's"}),
        ("A=it's'", {"A": "it's'"}),
        ("export A=1", {"A": "1"}),
    ],
)
def test_dotenv(text: str, values: dict[str, str]) -> None:
    assert read_dotenv(text) == values


@pytest.mark.parametrize(("text", "line"), [("A", 1), ("A=1\n=2", 2), ("\n1A=x", 2), ("A B=1", 1)])
def test_dotenv_names_a_bad_line(text: str, line: int) -> None:
    with pytest.raises(SettingsError, match=rf"\.env line {line} "):
        read_dotenv(text)

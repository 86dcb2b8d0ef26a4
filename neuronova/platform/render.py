"""Settings to configuration files: pure functions from values to text."""

from __future__ import annotations

import configparser
import io
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from neuronova.contract.orthancs import name_of
from neuronova.contract.settings import Settings
from neuronova.platform.environment import variables_of_further
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.programs import Programs

GATEWAY_TEMPLATE = REPOSITORY / "viewer_config" / "nginx.conf.template"
APP_CONFIG = REPOSITORY / "viewer_config" / "app-config.js"

GROUP = "neuronova"
# The plugin's questions for changed grants and for the worklist hold one each for 20 seconds; the others do the work.
_API_THREADS = "24"
# More than the process lets in, so that it is the one who says no.
_STREAMS = "2200"
# A request for a job holds one while its series is fetched, or a small array's model runs.
_INFERENCE_THREADS = "8"
# Seconds after which gunicorn kills a process that says nothing of itself, and with it all that it is asked. By default
# it is half a minute, which a virtual machine may stand still.
_SILENT = "180"


def fill(template: str, values: Mapping[str, object]) -> str:
    """Replace each `@NAME@` of `template` by its value; a name without a value is an error."""
    return re.sub(r"@([A-Z_]+)@", lambda match: str(values[match[1]]), template)


def gateway_config(template: str, settings: Settings, layout: Layout, *, user: str | None) -> str:
    """Return nginx.conf; `user` is whose workers they are, where nginx is started by root."""
    host, proto = _forwarded(settings.public_url)
    return fill(
        template,
        {
            "USER": f"user {user};" if user else "",
            "LISTEN": _listen(settings),
            "LOG_FORM": settings.log_form,
            "ORTHANCS": _servers(settings),
            "FIRST_ORTHANC": _servers(settings, others="backup"),
            "API_PORT": settings.api_port,
            "NOTIFICATIONS_PORT": settings.notifications_port,
            "FORWARDED_HOST": host,
            "FORWARDED_PROTO": proto,
            "RUN": layout.run,
            "TEMPORARY": layout.temporary,
            "VIEWER": layout.viewer,
            "APP_CONFIG": APP_CONFIG,
        },
    )


def _servers(settings: Settings, others: str = "") -> str:
    """Return the Orthancs as servers of an upstream; one that does not answer is passed over for a moment."""
    first, *more = (f"127.0.0.1:{one.http}" for one in settings.orthancs)
    if not more:
        return f"server {first};"
    return " ".join(
        f"server {server} {role} max_fails=1 fail_timeout=1s;".replace("  ", " ")
        for server, role in ((first, ""), *((one, others) for one in more))
    )


def _listen(settings: Settings) -> str:
    """Return where the gateway listens; with a certificate, other machines reach it by TLS alone."""
    outside = _bracketed(settings.bind)
    if settings.tls_certificate is None:
        return f"listen {outside}:{settings.http_port};"
    return " ".join(
        (
            f"listen 127.0.0.1:{settings.http_port};",
            f"listen {outside}:{settings.https_port} ssl http2;",
            f'ssl_certificate "{settings.tls_certificate}";',
            f'ssl_certificate_key "{settings.tls_key}";',
        )
    )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _forwarded(public_url: str | None) -> tuple[str, str]:
    """Return what the parts are told of the address that clients use: as configured, or as they asked."""
    if public_url is None:
        return "$http_host", "$scheme"
    parts = urlsplit(public_url)
    return parts.netloc, parts.scheme


def commands(settings: Settings, layout: Layout, programs: Programs, python: Path) -> dict[str, list[str]]:
    """Return the supervised programs in the order in which they start."""
    verbose = ["--verbose"] if settings.log_level == "DEBUG" else []
    orthanc = [programs.orthanc, *verbose, str(REPOSITORY / "orthanc.json")]
    further = {
        name_of(number): [
            "env",
            *(f"{name}={value}" for name, value in variables_of_further(doors, number).items()),
            *orthanc,
        ]
        for number, doors in enumerate(settings.more_orthancs, start=2)
    }
    return {
        "orthanc": orthanc,
        **further,
        "api": [
            *(str(python), "-m", "gunicorn", "cdss_api.wsgi:app"),
            *("--bind", f"127.0.0.1:{settings.api_port}"),
            *("--workers", str(settings.api_processes), "--threads", _API_THREADS),
            *_gunicorn("api", settings, layout, graceful=5),
        ],
        "notifications": [
            *(str(python), "-m", "gunicorn", "cdss_api.notifications.asgi:app"),
            *("--bind", f"127.0.0.1:{settings.notifications_port}", "--workers", "1"),
            *("--worker-class", "cdss_api.notifications.worker.StreamWorker"),
            *("--worker-connections", _STREAMS, "--backlog", _STREAMS),
            *_gunicorn("notifications", settings, layout, graceful=3),
        ],
        "worker": [str(python), "-m", "cdss_api.worker"],
        "keeper": [str(python), "-m", "neuronova.audit.keeper"],
        "inference": [
            *(str(python), "-m", "gunicorn", "inference.wsgi:app"),
            *("--bind", f"127.0.0.1:{settings.inference_port}", "--workers", "1", "--threads", _INFERENCE_THREADS),
            *_gunicorn("inference", settings, layout, graceful=5),
        ],
        "gateway": [
            *(programs.nginx, "-e", "stderr", "-p", str(layout.run)),
            *("-c", str(layout.gateway_config), "-g", "daemon off;"),
        ],
    }


def _gunicorn(part: str, settings: Settings, layout: Layout, *, graceful: int) -> list[str]:
    words = ["--name", part, "--logger-class", "neuronova.telemetry.gunicorn_log.PartLogger"]
    words += ["--timeout", _SILENT, "--worker-tmp-dir", str(layout.temporary), "--no-control-socket"]
    return [*words, "--log-level", settings.log_level.lower(), "--graceful-timeout", str(graceful)]


def supervisor_config(layout: Layout, programs: Mapping[str, list[str]], *, user: str | None) -> str:
    """Return supervisord.conf, which restarts each of `programs` whenever it ends."""
    config = configparser.RawConfigParser(delimiters=("=",))
    config["supervisord"] = {
        "logfile": str(layout.log / "supervisor.log"),
        "pidfile": str(layout.run / "supervisor.pid"),
        "childlogdir": str(layout.log),
        "directory": str(REPOSITORY),
        "umask": "077",
        **({"user": user} if user else {}),
    }
    config["unix_http_server"] = {"file": str(layout.socket), "chmod": "0600"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    # One group, because the supervisor ends its groups one after the other and a group's programs together.
    config[f"group:{GROUP}"] = {"programs": ",".join(programs)}
    for priority, (name, command) in enumerate(programs.items()):
        config[f"program:{name}"] = _program(layout, name, command, priority)
    text = io.StringIO()
    config.write(text, space_around_delimiters=False)
    return text.getvalue()


def _program(layout: Layout, name: str, command: list[str], priority: int) -> dict[str, str]:
    # The kernel ends a program whose supervisor was killed; an orphan would hold its port.
    words = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    return {
        "command": shlex.join(words),
        "priority": str(priority),
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "3",
        "stopwaitsecs": "8",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.log_of(name)),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "5",
    }

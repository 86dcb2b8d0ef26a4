"""The platform's two doors with certificates: HTTP and DICOM by TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from neuronova.contract.modalities import name_in_orthanc
from tests.audit.collector import make_certificate
from tests.mpps.telling import associated, create, creation
from tests.patience import PATIENCE
from tests.platform.test_running import refused
from tests.running import Platform, environment, running_platform
from tests.server import free_ports, until
from tests.synthetic import ct_slice


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the platform's own certificate, and one of a modality, each its own authority."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("platform", "modality", "stranger"):
        (folder / name).mkdir()
        make_certificate(folder / name, rsa.generate_private_key(65537, 2048)).rename(folder / f"{name}.pem")
    return folder


@pytest.fixture(scope="module")
def secured(certificates: Path) -> Iterator[Platform]:
    ours = str(certificates / "platform.pem")
    changes = {
        "NEURONOVA_HTTPS_PORT": str(free_ports(7)[6]),
        "NEURONOVA_TLS_CERTIFICATE": ours,
        "NEURONOVA_TLS_KEY": ours,
        "NEURONOVA_DICOM_TLS_CERTIFICATE": ours,
        "NEURONOVA_DICOM_TLS_KEY": ours,
        "NEURONOVA_DICOM_TLS_CA": str(certificates / "modality.pem"),
    }
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="nn") as folder:
        patch.setenv("REQUESTS_CA_BUNDLE", ours)
        with running_platform(Path(folder) / "data", **changes) as platform:
            platform.allow("CT1")
            yield platform


def test_a_browser_comes_by_tls(secured: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secured.url.startswith("https://127.0.0.1:")
    with requests.Session() as browser:
        known = {"username": "admin", "password": "the first of passwords"}
        login = browser.post(f"{secured.url}/api/v1/auth/login", json=known, timeout=PATIENCE)
        assert login.ok, login.text
        page = browser.get(f"{secured.url}/", timeout=PATIENCE)
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert all(cookie.secure for cookie in browser.cookies)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secured.url, timeout=PATIENCE)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # of the old ones
@pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_old_versions_of_tls_are_refused(secured: Platform, version: str, taken: bool) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    where = ("127.0.0.1", secured.settings.https_port)
    try:
        with socket.create_connection(where, 5) as plain, context.wrap_socket(plain) as found:
            assert found.version() is not None
            assert taken
    except OSError:
        assert not taken


@pytest.mark.parametrize(("who", "taken"), [("modality", True), ("stranger", False), (None, False)])
def test_a_modality_shows_its_certificate(secured: Platform, certificates: Path, who: str | None, taken: bool) -> None:
    context = ssl.create_default_context(cafile=certificates / "platform.pem")
    if who is not None:
        context.load_cert_chain(certificates / f"{who}.pem")
    assert sent(secured, (context, "127.0.0.1")) is taken


def test_dicom_without_tls_is_not_answered(secured: Platform) -> None:
    assert not sent(secured, None)


@pytest.mark.parametrize(("who", "taken"), [("modality", True), ("stranger", False), (None, False)])
def test_steps_are_told_by_tls(secured: Platform, certificates: Path, who: str | None, taken: bool) -> None:
    secured.allow("CT1", "store", "mpps")
    context = ssl.create_default_context(cafile=certificates / "platform.pem")
    if who is not None:
        context.load_cert_chain(certificates / f"{who}.pem")
    with (
        socket.create_connection(("127.0.0.1", secured.settings.mpps_port), 5),  # who says nothing holds nobody up
        associated(secured.settings, "CT1", (context, "127.0.0.1")) as association,
    ):
        assert association.is_established is taken
        if taken:
            assert create(association, "1.2.826.0.1.3", creation()).Status == 0


def test_steps_are_not_told_without_tls(secured: Platform) -> None:
    secured.allow("CT1", "store", "mpps")
    with associated(secured.settings, "CT1") as association:
        assert not association.is_established


def sent(platform: Platform, tls: tuple[ssl.SSLContext, str] | None) -> bool:
    """Tell whether an object could be stored."""
    dataset = ct_slice()
    entity = AE(ae_title="CT1")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
    entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    where = ("127.0.0.1", platform.settings.dicom_port)
    association = entity.associate(*where, ae_title=platform.settings.aet, tls_args=tls)
    if not association.is_established:
        return False
    try:
        return bool(association.send_c_store(dataset).Status == 0x0000)
    finally:
        association.release()


def test_a_key_of_another_certificate_is_named(tmp_path: Path, certificates: Path) -> None:
    ours, other = str(certificates / "platform.pem"), str(certificates / "stranger.pem")
    line = refused(environment(tmp_path, NEURONOVA_TLS_CERTIFICATE=ours, NEURONOVA_TLS_KEY=other))
    assert "NEURONOVA_TLS_CERTIFICATE or NEURONOVA_TLS_KEY names no usable PEM file" in line


@pytest.mark.parametrize("who", ["modality", "stranger"])
def test_a_modality_is_called_by_tls(secured: Platform, certificates: Path, who: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "platform.pem")
    context.load_cert_chain(certificates / f"{who}.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    entity = AE(ae_title="CT2")
    entity.add_supported_context(Verification)
    (port,) = free_ports(1)
    server = entity.start_server(("127.0.0.1", port), block=False, ssl_context=context)
    assert server is not None
    try:
        answers = {tls: asked(secured, port, tls=tls) for tls in (True, False)}
    finally:
        server.shutdown()
    assert answers == {True: who == "modality", False: False}


def asked(platform: Platform, port: int, *, tls: bool) -> bool:
    """Have the API and Orthanc ask a modality by C-ECHO; tell whether it answers them, which both see alike."""
    admin = {"Authorization": f"Bearer {platform.bearer()}"}
    where = {"host": "127.0.0.1", "port": port, "tls": tls}
    known = requests.put(f"{platform.url}/api/v1/modalities/CT2", json=where, headers=admin, timeout=PATIENCE)
    assert known.ok, known.text
    in_orthanc = f"{platform.url}/orthanc/modalities/{name_in_orthanc('CT2')}"
    until(
        lambda: (
            requests.get(f"{in_orthanc}/configuration", headers=admin, timeout=PATIENCE).json().get("UseDicomTls")
            is tls
        ),
        "Orthanc follows",
    )
    ours = requests.post(f"{platform.url}/api/v1/modalities/CT2/echo", headers=admin, timeout=PATIENCE)
    theirs = requests.post(f"{in_orthanc}/echo", json={"Timeout": 5}, headers=admin, timeout=PATIENCE)
    assert ours.ok is theirs.ok, (ours.text, theirs.text)
    return ours.ok

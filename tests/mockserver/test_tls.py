"""The mock over TLS: https and wss, with a certificate of two files or one of its own."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from calls.welcome import welcome
from mockserver.option import SettingsError
from mockserver.server import Server
from mockserver.settings import Settings
from tests.clients.raw_socket import BINARY, RawSocket, frame, handshake
from tests.running import INLINE, VALID_KEY, RunningMock, running_mock

RATES = {"inputSampleRate": 8000, "outputSampleRate": 8000}
TONE = (8000 * np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000)).astype("<i2").tobytes()
"""A second at 8000 Hz."""


@dataclass(frozen=True)
class Files:
    """A certificate for 127.0.0.1 with its key, its authority, and files that are wrong in one way each."""

    folder: Path

    @property
    def options(self) -> dict[str, Any]:
        return {"tls_cert": str(self.folder / "cert.pem"), "tls_key": str(self.folder / "key.pem")}

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "authority.pem")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued, other = authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    other.private_key_pem.write_to_path(folder / "other.pem")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sample"))
    (folder / "locked.pem").write_bytes(locked)
    (folder / "der.pem").write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nno base64\n-----END CERTIFICATE-----\n")
    return Files(folder)


@pytest.fixture(scope="module")
def secure(files: Files) -> Iterator[RunningMock]:
    """A mock that sends audio back, with a certificate of an authority."""
    with running_mock(rate_limit_per_hour=0, behaviour="echo", max_body_bytes="500000", **files.options) as running:
        yield running


def created(secure: RunningMock, files: Files) -> str:
    """The URL of a call that says nothing by itself."""
    body = {**INLINE, "greeting": "", "connectionType": "websocket", "websocket": RATES}
    answer = httpx.post(f"{secure.base_url}/calls/inline", json=body, headers=VALID_KEY, verify=files.trusting)
    url: str = answer.raise_for_status().json()["websocketUrl"]
    assert url.startswith("wss://127.0.0.1:")
    return url


def dialled(secure: RunningMock, files: Files) -> ClientConnection:
    return connect(created(secure, files), ssl=files.trusting, proxy=None, legacy=True)


def test_audio_goes_both_ways_in_messages_large_and_small(secure: RunningMock, files: Files) -> None:
    with dialled(secure, files) as call:
        for size in (320, 16000, 160000):
            call.send((TONE * 10)[:size])
            heard = b""
            while len(heard) < size:
                wire = call.recv(timeout=10)
                heard += wire if isinstance(wire, bytes) else b""
            assert heard == (TONE * 10)[:size]


def test_a_close_is_answered_and_a_message_that_is_too_large_closes(secure: RunningMock, files: Files) -> None:
    with dialled(secure, files) as call:
        call.close(1000)
    assert call.close_code == 1000
    with dialled(secure, files) as call, pytest.raises(ConnectionClosed) as closed:
        call.send(bytes(600_000))
        while True:
            call.recv(timeout=10)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009


def test_a_peer_that_never_reads_is_dropped(secure: RunningMock, files: Files) -> None:
    url = created(secure, files)
    with (
        socket.create_connection(("127.0.0.1", urlsplit(url).port), 10) as plain,
        files.trusting.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        raw = RawSocket(wrapped)
        raw.send(handshake(url))
        assert raw.read_status() == 101
        with suppress(OSError):
            for _ in range(100):
                raw.send(frame(BINARY, bytes(400_000)))
        deadline = time.monotonic() + 10
        while len(secure.mock.switchboard) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not len(secure.mock.switchboard)


def test_a_url_works_once_and_a_page_from_elsewhere_is_refused(secure: RunningMock, files: Files) -> None:
    url, elsewhere = created(secure, files), Origin("https://shop.example")
    with pytest.raises(InvalidStatus, match="403"), connect(url, ssl=files.trusting, proxy=None, origin=elsewhere):
        pass
    with connect(url, ssl=files.trusting, proxy=None) as call:
        assert json.loads(call.recv(timeout=5))["type"] == "state"
    with pytest.raises(InvalidStatus, match="404"), connect(url, ssl=files.trusting, proxy=None):
        pass


def test_a_mocks_own_certificate_names_this_machine_and_what_the_mock_is_called() -> None:
    options = {"tls": "self-signed", "public_url": "https://voice.example", "host": "127.0.0.2"}
    ports: list[int] = []
    with running_mock(lambda server: ports.append(server.listener.getsockname()[1]), **options):
        pem = ssl.get_server_certificate(("127.0.0.2", ports[0]))
    names = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost", "voice.example"]
    addresses = [ip_address(text) for text in ("127.0.0.1", "::1", "127.0.0.2")]
    assert names.value.get_values_for_type(x509.IPAddress) == addresses


def test_a_newcomer_is_told_to_accept_a_certificate_that_nobody_knows() -> None:
    settings = Settings(tls="self-signed")
    told = welcome(settings, settings.base_url(8080), None, speaks=False)
    assert told.count("curl -sk https://127.0.0.1:8080/api/v1/calls/") == 2
    for word in ("--as twilio --insecure", "--no-check", "--tls-cert", "made for this run"):
        assert word in told
    known = Settings(tls_cert="cert.pem", tls_key="key.pem")
    told = welcome(known, known.base_url(8080), None, speaks=False)
    assert told.count("curl -s https://127.0.0.1:8080/api/v1/calls/") == 2
    assert "--insecure" not in told


@pytest.mark.parametrize(
    ("cert", "key", "complaint"),
    [
        ("absent.pem", "key.pem", "--tls-cert (CALLS_TLS_CERT): absent.pem cannot be read: no such file or directory"),
        ("cert.pem", "absent.pem", "--tls-key (CALLS_TLS_KEY): absent.pem cannot be read: no such file or directory"),
        (".", "key.pem", "--tls-cert (CALLS_TLS_CERT): . cannot be read: is a directory"),
        ("key.pem", "key.pem", "--tls-cert (CALLS_TLS_CERT): key.pem holds no CERTIFICATE block; expected a PEM file"),
        ("cert.pem", "cert.pem", "--tls-key (CALLS_TLS_KEY): cert.pem holds no PRIVATE KEY block; expected a PEM file"),
        ("cert.pem", "der.pem", "--tls-key (CALLS_TLS_KEY): der.pem holds no PRIVATE KEY block; expected a PEM file"),
        ("cert.pem", "other.pem", "--tls-key (CALLS_TLS_KEY): other.pem is not the key of the certificate cert.pem"),
        (
            "cert.pem",
            "locked.pem",
            "--tls-key (CALLS_TLS_KEY): locked.pem is encrypted; expected a key without a password",
        ),
        ("broken.pem", "key.pem", "--tls-cert and --tls-key: broken.pem with key.pem cannot be used: "),
    ],
)
def test_files_that_cannot_be_used_are_named_with_their_option(
    files: Files, monkeypatch: pytest.MonkeyPatch, cert: str, key: str, complaint: str
) -> None:
    monkeypatch.chdir(files.folder)
    with pytest.raises(SettingsError) as caught:
        Server(Settings.from_environment({}, port=0, tls_cert=cert, tls_key=key))
    assert str(caught.value).startswith(complaint)


def test_without_its_library_no_certificate_is_made_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(SettingsError, match=r"--tls .*trustme.*extra tls"):
        Server(Settings(port=0, tls="self-signed"))


def test_a_name_that_no_certificate_can_hold_is_told() -> None:
    with pytest.raises(SettingsError, match=r"--tls .*my_mock"):
        Server(Settings(port=0, tls="self-signed", public_url="https://my_mock"))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"tls_cert": "cert.pem"}, "belong together"),
        ({"tls_key": "key.pem"}, "belong together"),
        ({"tls": "self-signed", "tls_cert": "cert.pem", "tls_key": "key.pem"}, "give one of them"),
        ({"tls": "yes"}, "--tls .*'yes' is not self-signed"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        Settings.from_environment({}, **given)

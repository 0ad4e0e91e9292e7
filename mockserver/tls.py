"""What makes connections secure: the certificate and key of two files, or a certificate of the mock's own."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from mockserver.option import SettingsError
from mockserver.settings import Settings

_LOCAL = ("localhost", "127.0.0.1", "::1")


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What connections are secured by; None where they are not to be.  Raises SettingsError."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        return _from_files(Path(settings.tls_cert), Path(settings.tls_key))
    return _self_signed(list(dict.fromkeys([*_LOCAL, *settings.names()]))) if settings.tls is not None else None


def _from_files(cert: Path, key: Path) -> ssl.SSLContext:
    _must_hold(cert, "--tls-cert (CALLS_TLS_CERT)", b"CERTIFICATE-----")
    _must_hold(key, "--tls-key (CALLS_TLS_KEY)", b"PRIVATE KEY-----")

    def no_password() -> str:
        raise SettingsError(f"--tls-key (CALLS_TLS_KEY): {key} is encrypted; expected a key without a password")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(f"--tls-key (CALLS_TLS_KEY): {key} is not the key of the certificate {cert}") from None
        reason = (error.reason or str(error)).replace("_", " ").lower()
        raise SettingsError(f"--tls-cert and --tls-key: {cert} with {key} cannot be used: {reason}") from None
    return context


def _must_hold(file: Path, option: str, end_of_line: bytes) -> None:
    """Raise SettingsError where a file cannot be read, or has no PEM block of a kind in it."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{option}: {file} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not any(line.startswith(b"-----BEGIN ") and line.endswith(end_of_line) for line in content.splitlines()):
        raise SettingsError(f"{option}: {file} holds no {end_of_line.decode().strip('-')} block; expected a PEM file")


def _self_signed(names: Sequence[str]) -> ssl.SSLContext:
    try:
        import trustme
    except ImportError:
        raise SettingsError(
            "--tls (CALLS_TLS): a self-signed certificate needs the package trustme: install it, or this one with its "
            "extra tls"
        ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        trustme.CA(organization_name="Calls mock").issue_cert(*filter(_can_be_dialled, names)).configure_cert(context)
    except ValueError as error:
        raise SettingsError(f"--tls (CALLS_TLS): no certificate can name {', '.join(names)}: {error}") from None
    return context


def _can_be_dialled(name: str) -> bool:
    """Whether clients can use a host: not the addresses that mean all of them."""
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return True

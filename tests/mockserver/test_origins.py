"""Which pages may use the mock; that this holds over HTTP is in test_cors.py, on dials in test_dials.py."""

from __future__ import annotations

import pytest

from mockserver.option import SettingsError
from mockserver.origins import Origins, is_local_host
from mockserver.settings import Settings


def origins(*listed: str, names: tuple[str, ...] = ()) -> Origins:
    return Origins(frozenset(listed), frozenset(names))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "0:0:0:0:0:0:0:1"]
)
def test_hosts_that_are_always_this_machine(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "127.evil.example",
        "0.0.0.0",
        "::",
        "::2",
    ]
    + ["128.0.0.1", "192.168.1.5", "localhost:80", "user@localhost", "127.1"],
)
def test_hosts_that_may_be_another_machine(host: str) -> None:
    assert not is_local_host(host)


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "http://localhost:5173", "https://localhost:8443", "http://app.localhost:3000"]
    + ["http://127.0.0.1:3000", "https://127.0.0.2", "http://[::1]:8080"],
)
def test_pages_of_this_machine_are_allowed_unless_none_is(origin: str) -> None:
    assert origins().is_allowed(origin)
    assert not origins("none").is_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    ["https://shop.example", "null", "", "localhost", "http://", "file://", "http://localhost.evil.example"]
    + ["http://evil.example:80@localhost", "http://localhost:80/path", "http://localhost:x", "http://192.168.1.5:3000"]
    + ["http://[::1", "capacitor://localhost", "http://localhost http://evil.example", "HTTP://localhost"],
)
def test_other_pages_are_not_unless_they_are_listed_or_all_are(origin: str) -> None:
    assert not origins().is_allowed(origin)
    assert not origins("http://elsewhere.example").is_allowed(origin)
    assert origins("http://elsewhere.example", origin).is_allowed(origin)
    assert origins("*").is_allowed(origin)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:5173", "127.0.0.1:8080"),
        ("http://localhost:5173", "localhost:5173"),
        ("http://localhost:5173", "[::1]:8080"),
        ("http://localhost:5173", "192.168.1.5:8080"),
        ("http://192.168.1.5:8080", "192.168.1.5:8080"),
        ("http://[fd00::5]:8080", "[fd00::5]:8080"),
        ("https://abc.tunnel.example", "abc.tunnel.example"),
        ("https://abc.tunnel.example", "ABC.tunnel.example"),
        # Tunnels may put another name into the Host header.
        ("https://abc.tunnel.example", "localhost:8080"),
        ("http://voice.internal:9000", "voice.internal:9000"),
    ],
)
def test_a_dial_is_fine_from_an_allowed_page_or_the_mocks_own_by_a_name_of_the_mocks(origin: str, host: str) -> None:
    rule = origins(names=("voice.internal", "abc.tunnel.example"))
    assert rule.refusal_of_dial(origin, host) is None


@pytest.mark.parametrize(
    ("origin", "host", "option"),
    [
        ("https://shop.example", "127.0.0.1:8080", "--cors-origin https://shop.example "),
        ("null", "127.0.0.1:8080", "--cors-origin null "),
        ("http://192.168.1.5:3000", "192.168.1.5:8080", "--cors-origin http://192.168.1.5:3000 "),
        # A name that leads to this machine since a moment ago.
        ("http://evil.example:8080", "evil.example:8080", "--public-url"),
        ("http://evil.localhost.example", "evil.localhost.example", "--public-url"),
        ("http://localhost:5173", "evil.example:8080", "--public-url"),
        ("http://localhost:5173", "", "--public-url"),
        ("http://localhost:5173", "127.0.0.1:8080:1", "--public-url"),
    ],
)
def test_other_dials_are_refused_and_told_the_option(origin: str, host: str, option: str) -> None:
    assert option in str(origins(names=("voice.internal",)).refusal_of_dial(origin, host))
    assert origins("*").refusal_of_dial(origin, host) is None


@pytest.mark.parametrize("secret", ["ck_mock_valid", "Zm9v0" * 8 + "bar"])
def test_an_origin_and_a_host_that_may_be_secrets_are_not_shown(secret: str) -> None:
    for told in (
        origins().refusal_of_dial(f"https://{secret}", "127.0.0.1"),
        origins().refusal_of_dial("http://localhost", secret),
    ):
        assert told is not None and "***" in told and secret not in told


def test_what_could_break_a_line_of_a_log_is_not_shown() -> None:
    told = origins().refusal_of_dial("http://evil.example\x1b[2J\n" + "x" * 5000, "127.0.0.1")
    assert told is not None and "\x1b" not in told and "\n" not in told and len(told) < 200


def test_a_listed_origin_is_read_as_browsers_write_it() -> None:
    given = ["HTTPS://Shop.Example:443/", "http://shop.example:80", "http://shop.example:8080", "null", "*", "app://x"]
    assert Settings.from_environment({}, cors_origins=given).cors_origins == (
        *("https://shop.example", "http://shop.example", "http://shop.example:8080", "null", "*", "app://x"),
    )


@pytest.mark.parametrize("text", ["shop.example", "https://", "https://shop.example/path", "https://*.shop.example?x"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--cors-origin \(CALLS_CORS_ORIGINS\): .* is not SCHEME://HOST"):
        Settings.from_environment({}, cors_origins=[text])

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.option import SettingsError
from mockserver.settings import Settings, options


def test_without_anything_the_defaults_hold() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.behaviour) == ("127.0.0.1", 8080, "parrot")
    assert (settings.url_ttl_s, settings.max_body_bytes, settings.rate_limit_per_hour) == (60.0, 1048576, 1000)


def test_the_environment_sets_every_option() -> None:
    settings = Settings.from_environment(
        {
            "CALLS_HOST": "0.0.0.0",
            "CALLS_PORT": "9000",
            "CALLS_PUBLIC_URL": "https://tunnel.example/calls/",
            "CALLS_CORS_ORIGINS": "https://shop.example, null",
            "CALLS_TLS_CERT": "cert.pem",
            "CALLS_TLS_KEY": "key.pem",
            "CALLS_URL_TTL": "2.5",
            "CALLS_MAX_BODY": "2048",
            "CALLS_RATE_LIMIT": "0",
            "CALLS_API_KEYS": "sample-one, sample-two",
            "CALLS_ANY_KEY": "yes",
            "CALLS_AGENTS": "agent_a=Anna, agent_b",
            "CALLS_ANY_AGENT": "0",
            "CALLS_INSPECTOR": "off",
            "CALLS_CONTROL_TOKEN": "sample-control-token",
            "CALLS_BEHAVIOUR": "script=talk.yaml",
            "CALLS_VOICE_OUTPUT": "tones",
            "CALLS_RECORDINGS": "calls/recorded",
            "CALLS_TIME_SCALE": "10",
            "CALLS_LIVEKIT_URL": "wss://rooms.example",
            "CALLS_LIVEKIT_KEY": "sample-key",
            "CALLS_LIVEKIT_SECRET": "sample-secret",
        }
    )
    assert settings == Settings(
        host="0.0.0.0",
        port=9000,
        public_url="https://tunnel.example/calls",
        cors_origins=("https://shop.example", "null"),
        tls_cert="cert.pem",
        tls_key="key.pem",
        url_ttl_s=2.5,
        max_body_bytes=2048,
        rate_limit_per_hour=0,
        api_keys=("sample-one", "sample-two"),
        any_key=True,
        agents=(("agent_a", "Anna"), ("agent_b", "agent_b")),
        any_agent=False,
        inspector="off",
        control_token="sample-control-token",
        behaviour="script=talk.yaml",
        voice_output="tones",
        recordings=Path("calls/recorded"),
        time_scale=10.0,
        livekit_url="wss://rooms.example",
        livekit_key="sample-key",
        livekit_secret="sample-secret",
    )


def test_what_is_given_wins_over_the_environment() -> None:
    environ = {"CALLS_PORT": "9000", "CALLS_HOST": "::1"}
    settings = Settings.from_environment(environ, port="9001", host=None, any_key=True)
    assert (settings.port, settings.host, settings.any_key) == (9001, "::1", True)


def test_repeated_options_add_to_the_environment() -> None:
    environ = {"CALLS_API_KEYS": "sample-one", "CALLS_AGENTS": "agent_a"}
    settings = Settings.from_environment(environ, api_keys=["sample-two"], agents=["agent_b=Bob"])
    assert settings.api_keys == ("sample-one", "sample-two")
    assert settings.agents == (("agent_a", "agent_a"), ("agent_b", "Bob"))


def test_an_empty_variable_is_not_set() -> None:
    assert Settings.from_environment({"CALLS_PORT": "", "CALLS_API_KEYS": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CALLS_HOST", "two hosts"),
        ("CALLS_PORT", "65536"),
        ("CALLS_PORT", "-1"),
        ("CALLS_PORT", "http"),
        ("CALLS_PORT", "9" * 5000),
        ("CALLS_PUBLIC_URL", "tunnel.example"),
        ("CALLS_PUBLIC_URL", "ftp://tunnel.example"),
        ("CALLS_PUBLIC_URL", "https://"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example/?a=b"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example/?"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example:99999"),
        ("CALLS_PUBLIC_URL", "https://[::1"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example:0"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example/a b"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example/ä"),
        ("CALLS_PUBLIC_URL", "https://tunnel.example/%zz"),
        ("CALLS_PUBLIC_URL", "https://:80"),
        ("CALLS_CORS_ORIGINS", "shop.example"),
        ("CALLS_TLS", "yes"),
        ("CALLS_URL_TTL", "0"),
        ("CALLS_URL_TTL", "nan"),
        ("CALLS_URL_TTL", "inf"),
        ("CALLS_URL_TTL", "86401"),
        ("CALLS_MAX_BODY", "0"),
        ("CALLS_MAX_BODY", "1.5"),
        ("CALLS_RATE_LIMIT", "-1"),
        ("CALLS_ANY_KEY", "perhaps"),
        ("CALLS_AGENTS", "=Anna"),
        ("CALLS_INSPECTOR", "yes"),
        ("CALLS_BEHAVIOUR", "sing"),
        ("CALLS_BEHAVIOUR", "script="),
        ("CALLS_TIME_SCALE", "0"),
        ("CALLS_LIVEKIT_URL", "rooms.example"),
    ],
)
def test_a_bad_value_is_named_with_what_came_and_what_was_expected(name: str, text: str) -> None:
    option = next(option for _, option in options() if option.env == name)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: text})
    told = str(caught.value)
    assert told.startswith(f"{option.flag} ({name}): {text[:60]!r}"), told
    assert told.endswith(f"is not {option.expected}")


@pytest.mark.parametrize("name", ["CALLS_API_KEYS", "CALLS_CONTROL_TOKEN", "CALLS_LIVEKIT_KEY", "CALLS_LIVEKIT_SECRET"])
def test_a_bad_secret_is_never_shown(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: "sample secret"})
    assert name in str(caught.value) and "sample" not in str(caught.value)


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"CALLS_PUBLIC_URL": "https://user:hunter2@tunnel.example"})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_repr() -> None:
    settings = Settings(api_keys=("sample-one",), livekit_key="sample-two", livekit_secret="sample-three")
    assert "sample" not in repr(settings)


def test_livekit_options_come_all_or_none() -> None:
    with pytest.raises(SettingsError, match="belong together"):
        Settings.from_environment({"CALLS_LIVEKIT_URL": "wss://rooms.example"})


def test_an_option_that_does_not_exist_is_a_fault_of_the_caller() -> None:
    with pytest.raises(TypeError, match="no such option: colour"):
        Settings.from_environment({}, colour="red")


def test_every_option_says_how_it_is_written() -> None:
    for name, option in options():
        assert option.flag.startswith("--") and option.env.startswith("CALLS_"), name
        assert option.help and option.expected
        assert (option.metavar is None) == isinstance(getattr(Settings(), name), bool)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://[::1]:81"),
        ("::1", "http://[::1]:81"),
        ("localhost", "http://localhost:81"),
    ],
)
def test_the_base_url_is_the_bound_address(host: str, url: str) -> None:
    assert Settings(host=host).base_url(81) == url


@pytest.mark.parametrize("secured", [{"tls": "self-signed"}, {"tls_cert": "cert.pem", "tls_key": "key.pem"}])
def test_with_a_certificate_the_base_url_is_https(secured: dict[str, str]) -> None:
    settings = Settings.from_environment({}, host="::", **secured)
    assert settings.base_url(81) == "https://[::1]:81"


@pytest.mark.parametrize(
    ("public", "url"),
    [
        ("https://tunnel.example/calls", "https://tunnel.example/calls"),
        ("wss://tunnel.example/calls", "https://tunnel.example/calls"),
        ("ws://tunnel.example", "http://tunnel.example"),
    ],
)
def test_the_public_url_wins_over_the_bound_address_and_is_where_requests_go(public: str, url: str) -> None:
    assert Settings(public_url=public).base_url(81) == url


def test_the_environments_name_of_an_option_that_may_be_repeated_is_a_plural() -> None:
    names = {option.flag: option.env for _, option in options()}
    assert (names["--agent"], names["--webrtc-address"]) == ("CALLS_AGENTS", "CALLS_WEBRTC_ADDRESSES")

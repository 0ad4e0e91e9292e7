"""Small parts of the judge: what it makes up, reads and leaves free."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import Transcript
from contract_tests.checks import over_the_run, transcripts
from contract_tests.legality import shown_wire
from contract_tests.line import Heard
from contract_tests.raw import unchunked
from contract_tests.secrets_kept import Secrets, is_telling
from contract_tests.tokens import MOST_OTHERS, another_like, ends_otherwise


@pytest.mark.parametrize(
    "form", [str, lambda made: made.hex, lambda made: f"call_{made}", lambda made: str(made).upper()]
)
def test_another_uuid_is_one_of_the_same_version(form: object) -> None:
    assert callable(form)
    for _ in range(50):
        token = form(uuid.uuid4())
        other = another_like(token)
        made_up = uuid.UUID(other.removeprefix("call_"))
        assert other != token and len(other) == len(token)
        assert made_up.version == 4 and made_up.variant == uuid.RFC_4122
        assert [letter == "-" for letter in other] == [letter == "-" for letter in token]


@pytest.mark.parametrize(
    "token", [uuid.UUID(int=7).hex, "cmfealzvc00028e6g8mmumwh5", "zAKL8El-3fT0_en9of4a7callzAKL8El-3fT"]
)
def test_there_are_many_other_tokens(token: str) -> None:
    others = {another_like(token, number) for number in range(MOST_OTHERS)}
    assert len({token, *others}) == MOST_OTHERS + 1 and {len(other) for other in others} == {len(token)}


@pytest.mark.parametrize(("token", "other"), [("a", "b"), ("2", "3"), ("a-.-Z", "a-.-A"), ("--", "--"), ("", "")])
def test_another_token_keeps_what_is_no_letter(token: str, other: str) -> None:
    found = another_like(token)
    assert (found != token) == (other != token)
    assert [letter.isalnum() for letter in found] == [letter.isalnum() for letter in token]


@given(st.uuids(version=4), st.sampled_from([str, lambda made: made.hex, lambda made: f"{made}{made}"]))
def test_what_ends_otherwise_differs_in_its_last_quarter_alone(
    made: uuid.UUID, form: Callable[[uuid.UUID], str]
) -> None:
    token = form(made)
    other = ends_otherwise(token)
    assert other != token and len(other) == len(token)
    assert other[: len(token) * 3 // 4] == token[: len(token) * 3 // 4]
    assert sum(ours != theirs for ours, theirs in zip(token, other, strict=True)) == 1


@pytest.mark.parametrize(
    "token", ["", "short", "4f9d1c7a2b6e8035.eu-west-1.node-7", "v2~4f9d1c7a2b6e80354f9d1c7a2b6e8035"]
)
def test_what_may_be_no_part_of_the_secret_is_left_as_it_is(token: str) -> None:
    assert ends_otherwise(token) == ""


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        (b'5;x=y\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n', b'{"a":1}'),
        (b"0\r\n\r\n", b""),
        (b"ff\r\ncut off", b"cut off"),
        (b"no chunk", b""),
        (b"", b""),
    ],
)
def test_a_body_in_chunks_is_put_together(chunks: bytes, body: bytes) -> None:
    assert unchunked(chunks) == body


@given(parts=st.lists(st.binary(min_size=1, max_size=40)), more=st.sampled_from([b"0\r\n\r\n", b""]))
def test_any_body_comes_back_from_chunks(parts: list[bytes], more: bytes) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    assert unchunked(chunks + more) == b"".join(parts)


def test_a_text_is_cut_after_its_secrets_are_taken_out() -> None:
    secrets = Secrets()
    secrets.add("abcdefgh", "[token]")
    secrets.add("abcdefgh-longer", "[longer]")
    assert secrets.beginning("12345678", 8) == "12345678"
    assert secrets.beginning("123456789", 8) == "12345678"
    assert secrets.beginning("1234abcdefgh", 8) == "1234[tok"
    assert secrets.beginning("1234567abcdefgh-longer", 8) == "1234567["
    assert secrets.beginning("abcdefgh" * 3 + "abcdefg", 30) == "[token][token][token]abcdefg"
    assert secrets.beginning("", 8) == ""


@pytest.mark.parametrize(
    ("key", "telling"),
    [
        ("null", False),
        ("*", False),
        ("secret", False),
        ("undefined", False),
        ("authentication", False),
        ("key_7f", True),
        ("ck_prod_undefined", True),
        ("qwertzuiopasdfghjklyxcvbnm", True),
    ],
)
def test_a_key_that_is_a_word_tells_nothing(key: str, telling: bool) -> None:
    assert is_telling(key) == telling


def _seconds(count: int) -> list[float]:
    return [1_800_000_001.0 + 2.5 * number for number in range(count)]


def test_moments_that_do_not_go_on_are_those_of_one_worker_or_of_several() -> None:
    assert over_the_run.stand([(5.5, at) for at in _seconds(3)])
    assert not over_the_run.stand([(5.5, at) for at in _seconds(2)])
    assert over_the_run.stand([(5.5, at) for at in _seconds(2)], to_come=1)
    assert over_the_run.stand([((5.5, 5.7)[index % 2], at) for index, at in enumerate(_seconds(6))])
    assert not over_the_run.stand([((5.5, 5.7)[index % 2], at) for index, at in enumerate(_seconds(5))])


@pytest.mark.parametrize("resolution_s", [0.001, 1.0])
def test_moments_of_clocks_that_are_apart_or_set_back_go_on(resolution_s: float) -> None:
    def named(behind_s: Callable[[int], float]) -> list[tuple[float, float]]:
        found = []
        for index, at in enumerate(_seconds(40)):
            moment = at - behind_s(index)
            found.append((moment - moment % resolution_s, at))
        return found

    assert not over_the_run.stand(named(lambda index: 0.0))
    assert not over_the_run.stand(named(lambda index: 5.0 * (index % 2)))
    assert not over_the_run.stand(named(lambda index: 5.0 * (index % 3)))
    assert not over_the_run.stand(named(lambda index: 240.0 * (index > 3)))
    assert not over_the_run.stand(named(lambda index: 5.0 * (index > 20)))


@given(text=st.text("abc", max_size=60), secret=st.text("abc", min_size=4, max_size=6), limit=st.integers(0, 40))
def test_what_is_shown_of_a_text_is_the_beginning_of_it_without_secrets(text: str, secret: str, limit: int) -> None:
    secrets = Secrets()
    secrets.add(secret, "[token]")
    assert secrets.beginning(text, limit) == secrets.redact(text)[:limit]


@pytest.mark.parametrize("before", range(275, 305, 5))
def test_no_part_of_a_token_shows_where_a_message_is_cut(before: int) -> None:
    secrets = Secrets()
    secrets.add("zAKL8El-3fT0ken9of4a7call", "[token]")
    text = "." * before + "zAKL8El-3fT0ken9of4a7call" + "." * 20
    for wire in (text, text.encode() + b"\xff"):
        assert "zAKL8" not in shown_wire(wire, secrets)
    assert shown_wire("it's", secrets) == '"it\'s"' and shown_wire(b"\xff", secrets) == r"b'\xff'"


@pytest.mark.parametrize(("cleared_at", "faults"), [((1.5,), 0), ((3.9,), 0), ((), 1), ((0.5,), 1)])
def test_how_much_is_kept_of_a_message_that_was_interrupted_is_free(
    cleared_at: tuple[float, ...], faults: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [("Hello", None, False), (None, ", world", False), ("Hello, world, how are you?", None, True)]
    heard = [
        Heard(1.0 + at, "", Transcript(role="agent", ordinal=0, text=text, delta=delta, final=final), None)
        for at, (text, delta, final) in enumerate(said)
    ]
    recording = SimpleNamespace(line=SimpleNamespace(heard=heard, clears=list(cleared_at)), call=None, over_at=9.0)
    wrong: list[str] = []

    async def recordings(it: object) -> list[SimpleNamespace]:
        return [recording]

    monkeypatch.setattr(transcripts, "_recordings", recordings)
    it = SimpleNamespace(wrong=lambda *said: wrong.append(said[1]), dial_command=lambda call: ())
    asyncio.run(transcripts.final_text(it))  # type: ignore[arg-type]  # as much of a context as it uses
    assert len(wrong) == faults


@pytest.mark.parametrize(("over_at", "faults"), [(4.1, 0), (9.0, 1)])
def test_an_answer_that_has_just_begun_need_not_be_final(
    over_at: float, faults: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [(1.0, 0, "Hello.", True), (4.0, 1, "You said", False)]
    heard = [
        Heard(at, "", Transcript(role="agent", ordinal=ordinal, text=text, final=final), None)
        for at, ordinal, text, final in said
    ]
    # The answer's words are there, its audio is still to come.
    line = SimpleNamespace(heard=heard, clears=[], alive=True, speaking_until=lambda: 1.2)
    recording = SimpleNamespace(line=line, call=None, over_at=over_at)
    wrong: list[str] = []

    async def recordings(it: object) -> list[SimpleNamespace]:
        return [recording]

    monkeypatch.setattr(transcripts, "_recordings", recordings)
    it = SimpleNamespace(wrong=lambda *said: wrong.append(said[1]), dial_command=lambda call: ())
    asyncio.run(transcripts.final_text(it))  # type: ignore[arg-type]  # as much of a context as it uses
    assert len(wrong) == faults

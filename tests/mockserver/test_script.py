from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import DocumentError
from contract.events import Audio, Digit, HangUp, Mark, TextMessage, ToolInvoked, ToolResult, Transcript
from mockserver.script import Script, Scripted
from tests.mockserver.talk import PCM16K, Talk


@pytest.fixture
def script_file(tmp_path: Path) -> Path:
    return tmp_path / "script.yaml"


def talk(path: Path, steps: str, connection_type: str = "websocket", first_speaker: str = "agent") -> Talk:
    path.write_text(f"steps:\n{steps}")
    script = Script.read(path)
    return Talk(
        lambda settings: Scripted(script, settings),
        connection_type=connection_type,
        codec="pcm",
        input_rate_hz=16000,
        output_rate_hz=16000,
        first_speaker=first_speaker,
        greeting="Welcome",
    )


def spoken(call: Talk) -> list[str | None]:
    return [event.text for event in call.of(Transcript) if event.final and event.role == "agent"]


def test_steps_follow_each_other_once_each_is_said(script_file: Path) -> None:
    call = talk(script_file, "  - say: '{greeting}'\n  - say: {text: Two, interruptible: false}\n  - hang_up: done\n")
    call.wait(5)
    assert spoken(call) == ["Welcome", "Two"]
    assert call.of(HangUp) == [HangUp(reason="done")]
    assert call.conversation.ending is not None


def test_a_wait_is_as_long_as_it_says(script_file: Path) -> None:
    call = talk(script_file, "  - wait: {seconds: 2}\n  - say: Late\n")
    call.wait(1.9)
    assert call.of(Audio) == []
    call.wait(0.2)
    assert call.of(Audio)


def test_expected_speech_is_waited_for(script_file: Path) -> None:
    call = talk(script_file, "  - expect: {speech: true}\n  - say: I heard you\n")
    call.wait(20)
    assert spoken(call) == []
    call.speak(1, PCM16K)
    call.wait(3)
    assert spoken(call) == ["I heard you"]


@pytest.mark.parametrize("keys", ["12", "1#"])
def test_expected_keys_are_counted_or_ended(script_file: Path, keys: str) -> None:
    call = talk(script_file, "  - expect: {digits: 2, until: '#'}\n  - say: Thanks\n")
    call.hear(Digit(digit=keys[0]))
    call.wait(2)
    assert spoken(call) == []
    call.hear(Digit(digit=keys[1]))
    call.wait(2)
    assert spoken(call) == ["Thanks"]


def test_keys_pressed_too_early_count(script_file: Path) -> None:
    call = talk(script_file, "  - say: Press one\n  - expect: {digits: 1}\n  - say: Thanks\n")
    call.hear(Digit(digit="1"))
    call.wait(4)
    assert spoken(call) == ["Press one", "Thanks"]


def test_typed_text_may_be_expected(script_file: Path) -> None:
    call = talk(script_file, "  - expect: {text: true}\n  - say: Read\n")
    call.hear(TextMessage(text="hi"))
    call.wait(2)
    assert spoken(call) == ["Read"]


def test_a_mark_may_be_expected_from_a_carrier(script_file: Path) -> None:
    call = talk(script_file, "  - mark: here\n  - expect: {mark: here}\n  - say: Played\n", connection_type="twilio")
    call.wait(2)
    assert call.of(Audio) == []
    assert call.of(Mark) == [Mark(name="here")]
    call.hear(Mark(name="here"))
    call.wait(2)
    assert call.of(Audio)


def test_what_is_expected_in_vain_leads_to_otherwise(script_file: Path) -> None:
    steps = "  - expect: {speech: true, within_s: 3, otherwise: [{say: Nobody}, {hang_up: nobody}]}\n  - say: Never\n"
    call = talk(script_file, steps)
    call.wait(10)
    assert spoken(call) == ["Nobody"]
    assert call.of(HangUp) == [HangUp(reason="nobody")]


def test_a_tool_is_called_with_its_parameters_and_waited_for(script_file: Path) -> None:
    call = talk(script_file, "  - call_tool: {name: show, parameters: {form: contact}}\n  - say: Shown\n")
    call.wait(5)
    assert call.of(ToolInvoked) == [
        ToolInvoked(invocation_id="invocation-1", tool_name="show", parameters={"form": "contact"})
    ]
    assert spoken(call) == []
    call.hear(ToolResult(invocation_id="invocation-1", result="ok"))
    call.wait(2)
    assert spoken(call) == ["Shown"]


def test_a_tool_that_does_not_answer_is_given_up(script_file: Path) -> None:
    call = talk(script_file, "  - call_tool: {name: show, within_s: 3}\n  - say: Whatever\n")
    call.wait(6)
    assert spoken(call) == ["Whatever"]


def test_a_transcript_needs_no_audio(script_file: Path) -> None:
    call = talk(script_file, "  - transcript: {text: Noted, role: user}\n")
    assert call.of(Transcript) == [Transcript(role="user", ordinal=0, final=True, text="Noted", medium="text")]
    assert call.of(Audio) == []


def test_with_first_speaker_user_the_script_waits_for_the_caller(script_file: Path) -> None:
    call = talk(script_file, "  - say: Yes?\n", first_speaker="user")
    call.wait(10)
    assert spoken(call) == []
    call.speak(1, PCM16K)
    call.wait(3)
    assert spoken(call) == ["Yes?"]


def test_the_documented_example_is_a_legal_script(script_file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text()
    script_file.write_text(page.split("```yaml\n")[1].split("```")[0])
    assert len(Script.read(script_file).steps) == 9


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1: expected a mapping at the top, found NoneType"),
        ("steps: []\n", "1: expected one key, steps, with a list of at least one step"),
        ("steps:\n  - say: a\nname: x\n", "3: expected one key, steps"),
        ("steps:\n  - shout: a\n", r"2: steps\[0\]: expected a step with one key of say, wait, .*; found shout"),
        ("steps:\n  - say: a\n    wait: {seconds: 1}\n", "found say, wait"),
        ("steps:\n  - nothing\n", "2: .*found 'nothing'"),
        ("steps:\n  - say: ''\n", r"2: steps\[0\].say: "),
        ("steps:\n  - say: a\n  - wait: {seconds: -1}\n", r"3: steps\[1\].wait.seconds: -1 is less than"),
        ("steps:\n  - expect: {}\n", r"2: steps\[0\].expect: expected at least one of speech, text, digits, mark"),
        ("steps:\n  - expect: {speech: true, otherwise: []}\n", "within_s"),
        (
            "steps:\n  - expect:\n      speech: true\n      within_s: 1\n      otherwise:\n        - wait: 1\n",
            r"6: steps\[0\].expect.otherwise\[0\].wait: 1 is not of type \"object\"",
        ),
        ("steps:\n  - say: [\n", "3: not YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_expected(script_file: Path, text: str, complaint: str) -> None:
    script_file.write_text(text)
    with pytest.raises(DocumentError, match=rf"script\.yaml:{complaint}" if complaint[0].isdigit() else complaint):
        Script.read(script_file)


def test_a_missing_script_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="nowhere.yaml: No such file or directory"):
        Script.read(tmp_path / "nowhere.yaml")

"""connectionType webrtc: the room itself, who speaks in it, and how it ends."""

from __future__ import annotations

from contract.events import StateChanged, ToolInvoked
from contract_tests import room_calls
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.requirements import requirement
from contract_tests.room.line import RoomLine
from contract_tests.room_calls import GREETING, JOINED, LEFT_WITHIN_S, SILENCE, SPEECH, joined
from contract_tests.scenarios import ANSWER_WITHIN_S, INTERRUPTED_WITHIN_S, SLACK_S
from contract_tests.target import NotChecked

AGENT = "asyncapi/webrtc.yaml#/operations/agentSends/description"

CUT_S = 0.5
"""How long an agent is silent who was interrupted, at the least; between two words it is for less."""


@requirement(
    "webrtc.join",
    "The token opens the room that it names, on the LiveKit server at roomUrl.",
    source="asyncapi/webrtc.yaml#/components/messages/roomOffered",
    layer=Layer.MEDIA,
    how="The room is joined with LiveKit's own library, and a microphone's track is published. Only a LiveKit server "
    "that answers and refuses the token breaks this: where none answers, or it leads elsewhere, nothing is checked.",
    why="A browser that is refused has no call.",
    mend="Sign the token with the key and secret of the server at roomUrl, for the room in which the agent waits.",
    smoke=True,
    lasts_s=1,
    soon=True,
)
async def join(it: Context) -> None:
    """Both calls."""
    for place in (room_calls.greeted,) if it.hasty else (room_calls.greeted, room_calls.user_first):
        found = await place(it, JOINED)
        if found.refused:
            it.wrong("the room, joined", f"refused: {found.refused}", *it.dial_command(found.call))
            return


@requirement(
    "webrtc.state",
    "The agent says its state in the room before anything is expected of the client.",
    source=AGENT,
    layer=Layer.MEDIA,
    how="In two calls, in which the agent and the caller speak first, a state message must come within 10 seconds, and "
    "before the first client_tool_invocation; idle does not count.",
    why="The vendor's SDK refuses to send text until it knows that the agent listens, thinks or speaks.",
    mend="Send {type: state, state: listening} or speaking as soon as the client has joined, as the room's data.",
    lasts_s=15,
)
async def state(it: Context) -> None:
    """Whoever speaks first."""
    for place, until in ((room_calls.user_first, SILENCE), (room_calls.greeted, SPEECH)):
        found = joined(await place(it, until))
        line, shown = found.line, it.dial_command(found.call)
        told = [heard for heard in line.events(StateChanged) if heard.channel and _is_awake(heard.event)]
        invoked = line.events(ToolInvoked)
        began_at = line.started_at or line.opened_at
        if not told:
            idle = "idle only" if line.events(StateChanged) else "none"
            it.wrong("a state of listening, thinking or speaking as the room's data", idle, *shown)
        elif told[0].at_s - began_at > ANSWER_WITHIN_S:
            after_s = told[0].at_s - began_at
            it.wrong(f"a state within {ANSWER_WITHIN_S:g} s", f"the first one after {after_s:.1f} s", *shown)
        elif invoked and invoked[0].at_s < told[0].at_s:
            it.wrong("a state before the first client_tool_invocation", "one after it", *shown)
        if it.cases:
            return


def _is_awake(event: object) -> bool:
    return isinstance(event, StateChanged) and event.state != "idle"


@requirement(
    "webrtc.greeting",
    "With firstSpeaker agent, the agent is heard in the room within 10 seconds of the caller's joining.",
    source=AGENT,
    layer=Layer.MEDIA,
    how="The room is joined, the caller is silent, and audible audio on a track of the agent's is waited for.",
    why="A caller who hears nothing hangs up.",
    mend="Publish a track, and begin to speak when the caller has joined; silent frames are no voice.",
    smoke=True,
    lasts_s=5,
    again=True,
)
async def greeting(it: Context) -> None:
    """Audible audio."""
    found = joined(await room_calls.greeted(it, GREETING))
    if not found.greeted:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of joining"
        it.wrong(expected, found.line.why_silent, *it.dial_command(found.call))


@requirement(
    "webrtc.user-speaks-first",
    "With firstSpeaker user, the agent is silent in the room until the caller has spoken or typed.",
    source=AGENT,
    layer=Layer.MEDIA,
    how="The room is joined, and the caller is silent for 3.5 seconds: nothing audible may come.",
    why="Who calls a customer must let them say hello.",
    mend="Where firstSpeaker is user, wait for speech or text before the first word.",
    lasts_s=4,
    soon=True,
    again=True,
)
async def user_speaks_first(it: Context) -> None:
    """Silence."""
    found = joined(await room_calls.user_first(it, SILENCE))
    if found.unasked:
        line = found.line
        after_s = line.audible()[0].at_s - (line.started_at or line.opened_at)
        it.wrong("no audio for 3 s", f"audible audio after {after_s:.1f} s", *it.dial_command(found.call))


@requirement(
    "webrtc.answer",
    "The agent answers what the caller says into the microphone's track within 10 seconds of its end.",
    source="asyncapi/webrtc.yaml#/operations/clientSends/description",
    layer=Layer.MEDIA,
    how="After the greeting the caller says a sentence; audible audio must come.",
    why="A conversation needs both.",
    mend="Subscribe to the caller's track, detect the end of speech, and answer.",
    lasts_s=12,
    again=True,
)
async def answer(it: Context) -> None:
    """One sentence."""
    found = joined(await room_calls.greeted(it, SPEECH))
    if not found.answered:
        raise NotChecked("the call did not come so far; webrtc.greeting says more")
    if not found.answered[SPEECH]:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the end of speech"
        received = "nothing" if found.line.alive else found.line.why_silent
        it.wrong(expected, received, *it.dial_command(found.call))


@requirement(
    "webrtc.interruption",
    "With interruptible true, caller speech cuts the agent's first message within 2 seconds in the room, too.",
    source=AGENT,
    layer=Layer.MEDIA,
    how="The caller speaks half a second into a long greeting. Within 2 seconds the state must be listening, or the "
    f"agent's track fall silent for {CUT_S:g} seconds: a voice pauses, too.",
    why="A caller who cannot interrupt talks against a wall.",
    mend="Where speech is detected, empty what waits for the track, and send the state listening.",
    lasts_s=5,
    again=True,
)
async def interruption(it: Context) -> None:
    """A long greeting."""
    found = joined(await room_calls.cut_in(it))
    if not found.greeted:
        raise NotChecked("the agent did not greet; webrtc.greeting says more")
    line = found.line
    due = line.spoke_at + INTERRUPTED_WITHIN_S + 2 * SLACK_S
    told = [heard.event for heard in line.events(StateChanged) if line.spoke_at <= heard.at_s <= due]
    listens = any(isinstance(event, StateChanged) and event.state == "listening" for event in told)
    # What this machine did not hear while it was held up is no silence of the agent's.
    silent_s = _longest_silence(line, line.spoke_at, due) - it.judge.held_up_s(line.spoke_at, due + CUT_S)
    if line.alive and not listens and silent_s < CUT_S:
        it.wrong("a greeting that is cut within 2 s of caller speech", "it goes on", *it.dial_command(found.call))


def _longest_silence(line: RoomLine, since: float, begun_by: float) -> float:
    """The longest silence of the agent's track that begins between two moments, in seconds."""
    longest, silent_from = 0.0, since
    for piece in line.audio:
        if piece.audible:
            silent_from = max(silent_from, piece.plays_until_s)
        elif silent_from <= begun_by:
            longest = max(longest, piece.plays_until_s - silent_from)
    return longest


@requirement(
    "webrtc.leave",
    "When the caller closes the control socket the call is over: the agent leaves the room, and the URL stays used up.",
    source="asyncapi/webrtc.yaml#/channels/control/description",
    layer=Layer.MEDIA,
    how="The caller closes the control socket and stays in the room: the agent must be gone within "
    f"{LEFT_WITHIN_S:g} seconds, and another dial be refused.",
    why="A browser tab that is closed says no more than that, and agents that stay are paid for.",
    mend="When the control socket closes, disconnect the agent, or delete the room.",
    lasts_s=15,
)
async def leave(it: Context) -> None:
    """The control socket's end."""
    found = joined(await room_calls.greeted(it))
    if not found.hung_up:
        raise NotChecked("the call did not come so far; webrtc.greeting and webrtc.answer say more")
    shown = it.dial_command(found.call)
    if found.agent_left is False:
        it.wrong(f"a room without the agent within {LEFT_WITHIN_S:g} s", "the agent is still in it", *shown)
    if found.again is None:
        it.wrong("a refusal: the call is over", "a second open socket", *shown, "# the same again")

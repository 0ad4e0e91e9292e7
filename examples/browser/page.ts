// The page: one button to call and hang up, what is being said, and a field to type in.

import type { AgentSends, State } from "../../clients/typescript/websocket.js";
import { Call } from "./call.js";
import { Sound } from "./sound.js";
import { Transcript } from "./transcript.js";

const STATES: Record<State["state"], string> = {
  idle: "Connected",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
};

const part = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const callButton = part<HTMLButtonElement>("call");
const hangUpButton = part<HTMLButtonElement>("hang-up");
const muteButton = part<HTMLButtonElement>("mute");
const state = part<HTMLOutputElement>("state");
const problem = part<HTMLElement>("problem");
const level = part<HTMLMeterElement>("level");
const form = part<HTMLFormElement>("type");
const text = part<HTMLInputElement>("text");
const send = part<HTMLButtonElement>("send");
const inCallControls = [hangUpButton, muteButton, text, send];
const transcript = new Transcript(part("transcript"));

let call: Call | undefined;
let sound: Sound | undefined;

function show(phase: "off" | "connecting" | State["state"], words: string): void {
  state.dataset["phase"] = phase;
  state.textContent = words;
  callButton.disabled = phase !== "off";
  const inCall = phase !== "off" && phase !== "connecting";
  for (const control of inCallControls) control.disabled = !inCall;
}

async function start(): Promise<void> {
  problem.textContent = "";
  transcript.clear();
  show("connecting", "Connecting…");
  try {
    // The microphone first: without it no call has to be created.
    sound = await Sound.open();
    call = await Call.dial(await createCall(), { audio: (samples) => sound?.play(samples), message: hear, end });
  } catch (error) {
    end(explain(error));
    return;
  }
  show("idle", STATES.idle);
  hangUpButton.focus();
  sound.onFrame = (frame) => {
    level.value = frame.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0) / 32_768;
    call?.speak(frame);
  };
}

/** Has the backend create a call; gives its `websocketUrl`. */
async function createCall(): Promise<string> {
  const answer = await fetch("/call", { method: "POST" });
  const body = (await answer.json()) as { websocketUrl: string; error: string };
  if (!answer.ok) throw new Error(body.error);
  return body.websocketUrl;
}

function mute(muted: boolean): void {
  sound?.mute(muted);
  muteButton.ariaPressed = String(muted);
}

function hear(message: AgentSends): void {
  switch (message.type) {
    case "transcript":
      return transcript.add(message);
    case "state":
      return show(message.state, STATES[message.state] ?? message.state);
    case "playback_clear_buffer":
      return sound?.clear();
    case "error":
      problem.textContent = `The agent objects: ${String(message.message ?? "it does not say to what")}`;
  }
}

/** The call is over, or never began. */
function end(reason: string): void {
  // What had the focus cannot have it now; a button that was disabled has already lost it to the body.
  const lost = [document.body, ...inCallControls].some((element) => element === document.activeElement);
  sound?.close();
  call = sound = undefined;
  mute(false);
  level.value = 0;
  problem.textContent = reason;
  show("off", "Not in a call");
  if (lost) callButton.focus();
}

function explain(error: unknown): string {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "This page may not use the microphone. Allow it in the browser, then call again.";
  if (name === "NotFoundError") return "No microphone was found. Plug one in, then call again.";
  return error instanceof Error ? error.message : String(error);
}

callButton.addEventListener("click", () => void start());
hangUpButton.addEventListener("click", () => call?.hangUp());
muteButton.addEventListener("click", () => mute(muteButton.ariaPressed !== "true"));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value.trim()) call?.send({ type: "user_text_message", text: text.value });
  text.value = "";
});

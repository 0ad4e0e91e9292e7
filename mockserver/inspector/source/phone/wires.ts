// What is said on the socket by whoever dials it, for each connection type: asyncapi/*.yaml.

import { MULAW, PCM16, type Coding } from "./sound";

export const KINDS = ["websocket", "webrtc", "twilio", "telnyx", "plivo"] as const;
export type Kind = (typeof KINDS)[number];

/** Whether who dials is no carrier: speaks with a microphone, types, and has tools. */
export function isClient(kind: Kind): boolean {
  return kind === "websocket" || kind === "webrtc";
}

export type Heard =
  | { kind: "audio"; payload: Uint8Array }
  | { kind: "mark"; name: string }
  | { kind: "clear" }
  | { kind: "tool"; invocationId: string; name: string; parameters: unknown }
  | { kind: "state"; state: string }
  | { kind: "fault"; message: string }
  | { kind: "other" };

type Message = Record<string, unknown>;
export type Said = string | Uint8Array<ArrayBuffer>;

export interface Wire {
  kind: Kind;
  coding: Coding;
  opening: () => Said[];
  audio: (payload: Uint8Array<ArrayBuffer>) => Said;
  /** What follows when playback reached a mark; nothing where there are none. */
  mark: (name: string) => Said[];
  /** What follows when the agent withdrew its audio, and whether its marks come back. */
  cleared: () => Said[];
  marksReturn: boolean;
  digit: (digit: string) => Said[];
  text: (text: string) => Said[];
  toolResult: (invocationId: string, answer: { result: string } | { error: string }) => Said[];
  stop: () => Said[];
  read: (data: string | ArrayBuffer) => Heard;
}

const NONE = () => [];

export function wireOf(kind: Kind, now: () => number = Date.now): Wire {
  const make = { websocket, webrtc, twilio, telnyx, plivo }[kind];
  return make(now);
}

/** What a message says; one that cannot be read is a fault. */
export function readOn(wire: Wire, data: string | ArrayBuffer): Heard {
  try {
    return wire.read(data);
  } catch {
    return { kind: "fault", message: "a message came that cannot be read" };
  }
}

/** The messages are those of `websocket`; sound goes by another way. */
function webrtc(): Wire {
  return { ...websocket(), kind: "webrtc" };
}

function websocket(): Wire {
  const say = (message: Message) => [JSON.stringify(message)];
  return {
    kind: "websocket",
    coding: PCM16,
    opening: NONE,
    mark: NONE,
    cleared: NONE,
    marksReturn: false,
    digit: NONE,
    stop: NONE,
    audio: (payload) => payload,
    text: (text) => say({ type: "user_text_message", text }),
    toolResult: (invocationId, answer) => say({ type: "client_tool_result", invocationId, ...answer }),
    read: (data) => {
      if (typeof data !== "string") return { kind: "audio", payload: new Uint8Array(data) };
      const message = JSON.parse(data);
      switch (message.type) {
        case "playback_clear_buffer":
          return { kind: "clear" };
        case "state":
          return { kind: "state", state: message.state };
        case "error":
          return { kind: "fault", message: message.message ?? "the agent says that something was wrong" };
        case "client_tool_invocation":
          return {
            kind: "tool",
            invocationId: message.invocationId,
            name: message.toolName,
            parameters: message.parameters,
          };
        default:
          return { kind: "other" };
      }
    },
  };
}

function twilio(): Wire {
  const streamSid = `MZ${hex(32)}`;
  const ids = { accountSid: `AC${"0".repeat(32)}`, callSid: `CA${hex(32)}` };
  const say = numbered((message, number) => ({ ...message, sequenceNumber: String(number), streamSid }));
  const chunk = chunks();
  return {
    ...carrier("twilio"),
    opening: () => [
      JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }),
      say({
        event: "start",
        start: {
          streamSid,
          ...ids,
          tracks: ["inbound"],
          customParameters: {},
          mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
        },
      }),
    ],
    audio: (payload) => {
      const { number, atMs } = chunk(payload);
      return say({
        event: "media",
        media: { track: "inbound", chunk: String(number), timestamp: String(atMs), payload: base64(payload) },
      });
    },
    mark: (name) => [say({ event: "mark", mark: { name } })],
    digit: (digit) => [say({ event: "dtmf", dtmf: { track: "inbound_track", digit } })],
    stop: () => [say({ event: "stop", stop: ids })],
  };
}

function telnyx(now: () => number): Wire {
  const ids = { user_id: uuid(), call_control_id: `v3:${hex(54)}` };
  const stream_id = uuid();
  const say = numbered((message, number) => ({ ...message, sequence_number: String(number), stream_id }));
  const chunk = chunks();
  return {
    ...carrier("telnyx"),
    opening: () => [
      JSON.stringify({ event: "connected", version: "1.0.0" }),
      say({ event: "start", start: { ...ids, media_format: { encoding: "PCMU", sample_rate: 8000, channels: 1 } } }),
    ],
    audio: (payload) => {
      const { number, atMs } = chunk(payload);
      return say({
        event: "media",
        media: { track: "inbound", chunk: String(number), timestamp: String(atMs), payload: base64(payload) },
      });
    },
    mark: (name) => [say({ event: "mark", mark: { name } })],
    digit: (digit) => [say({ event: "dtmf", occurred_at: new Date(now()).toISOString(), dtmf: { digit } })],
    stop: () => [say({ event: "stop", stop: ids })],
  };
}

function plivo(now: () => number): Wire {
  const streamId = uuid();
  const say = numbered((message, number) => ({ streamId, ...message, sequenceNumber: number }));
  const chunk = chunks();
  const began = now();
  return {
    ...carrier("plivo"),
    marksReturn: false,
    opening: () => [
      say({
        event: "start",
        extra_headers: "",
        start: {
          callId: uuid(),
          streamId,
          accountId: `MA${"X".repeat(18)}`,
          tracks: ["inbound"],
          mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000 },
        },
        // In this message it stands inside alone.
        streamId: undefined,
      }),
    ],
    audio: (payload) => {
      const { number, atMs } = chunk(payload);
      const media = { track: "inbound", timestamp: String(began + atMs), chunk: number, payload: base64(payload) };
      return say({ event: "media", media, extra_headers: "" });
    },
    mark: (name) => [say({ event: "playedStream", name })],
    cleared: () => [say({ event: "clearedAudio" })],
    digit: (digit) => [
      say({ event: "dtmf", dtmf: { track: "inbound", digit, timestamp: String(now()) }, extra_headers: "" }),
    ],
    // Its pages have no stop message: it closes.
    stop: NONE,
  };
}

/** What the three carriers have in common. */
function carrier(kind: "twilio" | "telnyx" | "plivo") {
  return {
    kind,
    coding: MULAW,
    marksReturn: true,
    cleared: NONE as () => Said[],
    text: NONE,
    toolResult: NONE,
    read: (data: string | ArrayBuffer): Heard => {
      const message = typeof data === "string" ? JSON.parse(data) : {};
      switch (message.event) {
        case "media":
        case "playAudio":
          return { kind: "audio", payload: Uint8Array.from(atob(message.media.payload), (each) => each.charCodeAt(0)) };
        case "mark":
          return { kind: "mark", name: message.mark.name };
        case "checkpoint":
          return { kind: "mark", name: message.name };
        case "clear":
        case "clearAudio":
          return { kind: "clear" };
        default:
          return { kind: "other" };
      }
    },
  };
}

/** Says messages with a number each, from 1. */
function numbered(complete: (message: Message, number: number) => Message) {
  let number = 0;
  return (message: Message) => JSON.stringify(complete(message, ++number));
}

/** Numbers pieces of mu-law from 1, and says when each is to be heard. */
function chunks() {
  let number = 0;
  let samples = 0;
  return (payload: Uint8Array) => {
    const atMs = Math.round(samples / 8);
    samples += payload.length;
    return { number: ++number, atMs };
  };
}

function base64(payload: Uint8Array): string {
  return btoa(String.fromCharCode(...payload));
}

function hex(digits: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(digits / 2)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** crypto.randomUUID is missing where the page came over plain HTTP from elsewhere. */
function uuid(): string {
  const digits = hex(32);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join("-");
}

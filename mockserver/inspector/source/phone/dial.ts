// What is made ready before a call is created, which has to be dialled soon: the caller's voice, and a line for it.

import { built } from "../address";
import { type Line, type Listener, SocketLine } from "./line";
import { CARRIER_HZ, CLIENT_HZ, ROOM_HZ } from "./sound";
import { microphone, microphoneTrack, recording, recordingTrack, type Voice } from "./voice";
import { isClient, type Kind, type Wire } from "./wires";

export interface Ready {
  voice: Voice;
  callerHz: number;
  /** Dial. */
  open: (websocketUrl: string, wire: Wire, listener: Listener) => Line;
}

/** Make a voice and a line ready: of the microphone, or of a file. Raises, in words, where that cannot be had. */
export async function ready(kind: Kind, file: File | null): Promise<Ready> {
  if (kind === "webrtc") {
    const { RoomLine } = await roomModule();
    const voice = file ? await asSound(file, recordingTrack(file)) : await microphoneTrack();
    return {
      voice,
      callerHz: ROOM_HZ,
      open: (websocketUrl, wire, listener) => new RoomLine(websocketUrl, wire, voice, listener),
    };
  }
  const rateHz = isClient(kind) ? CLIENT_HZ : CARRIER_HZ;
  const voice = file ? await asSound(file, recording(file, rateHz, !isClient(kind))) : await microphone();
  return {
    voice,
    callerHz: voice.rateHz,
    open: (websocketUrl, wire, listener) => new SocketLine(websocketUrl, rateHz, wire, voice, listener),
  };
}

async function roomModule(): Promise<typeof import("./room")> {
  try {
    return await import(String(built("room.js")));
  } catch {
    throw new Error("what webrtc needs could not be loaded from the mock");
  }
}

async function asSound<T extends Voice>(file: File, voice: Promise<T>): Promise<T> {
  try {
    return await voice;
  } catch {
    throw new Error(`${file.name} cannot be read as sound`);
  }
}

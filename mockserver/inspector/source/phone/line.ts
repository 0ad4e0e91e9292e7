// The way to the agent and back: a WebSocket with sound and messages, or, in room.ts, a room.

import { socket } from "../address";
import { level } from "./sound";
import { Speaker } from "./speaker";
import type { FrameVoice } from "./voice";
import { type Heard, readOn, type Said, type Wire } from "./wires";

export interface Levels {
  caller: number;
  agent: number;
}

export interface Line {
  /** How loud both were since this was last asked, from 0 to 1. */
  levels: () => Levels;
  /** Whether all that the agent has said was heard. */
  quiet: () => boolean;
  /** Send messages; they are lost where nobody is there, or nobody any more. */
  send: (messages: Said[]) => void;
  close: () => void;
}

/** Who is told what happens on a line. */
export interface Listener {
  /** Caller and agent hear each other. */
  opened: () => void;
  /** The agent said something that is no sound. */
  told: (heard: Heard) => void;
  /** The line is gone; why, in words. */
  over: (why: string) => void;
}

/** In words, how a socket ended; one that was never open was refused. */
export function ending({ code, reason }: CloseEvent, wasOpen: boolean): string {
  return wasOpen ? `the agent hung up (${code}${reason && `, ${reason}`})` : "the dial was refused";
}

export class SocketLine implements Line {
  private readonly socket: WebSocket;
  private readonly speaker: Speaker;
  private loud = { caller: 0, agent: 0 };
  private wasOpen = false;

  constructor(
    websocketUrl: string,
    agentHz: number,
    private readonly wire: Wire,
    private readonly voice: FrameVoice,
    private readonly listener: Listener,
  ) {
    this.speaker = new Speaker(agentHz);
    this.socket = new WebSocket(socket(websocketUrl));
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = ({ data }) => this.hear(readOn(wire, data));
    this.socket.onclose = (event) => {
      this.speaker.close();
      listener.over(ending(event, this.wasOpen));
    };
  }

  levels(): Levels {
    const { loud } = this;
    this.loud = { caller: 0, agent: 0 };
    return loud;
  }

  quiet(): boolean {
    return this.speaker.quiet;
  }

  send(messages: Said[]): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    for (const message of messages) this.socket.send(message);
  }

  close(): void {
    this.socket.close(1000);
  }

  private opened(): void {
    this.wasOpen = true;
    this.send(this.wire.opening());
    this.voice.onFrame = (frame) => {
      this.loud.caller = Math.max(this.loud.caller, level(frame));
      this.send([this.wire.audio(this.wire.coding.encode(frame))]);
    };
    this.listener.opened();
  }

  private hear(heard: Heard): void {
    switch (heard.kind) {
      case "audio":
        return this.play(heard.payload);
      case "mark":
        return this.speaker.mark(() => this.send(this.wire.mark(heard.name)));
      case "clear":
        this.speaker.clear(this.wire.marksReturn);
        return this.send(this.wire.cleared());
      default:
        this.listener.told(heard);
    }
  }

  private play(payload: Uint8Array): void {
    const samples = this.wire.coding.decode(payload);
    this.loud.agent = Math.max(this.loud.agent, level(samples));
    this.speaker.play(samples);
  }
}

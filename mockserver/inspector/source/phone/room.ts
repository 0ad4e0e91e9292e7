// The line of a webrtc call: a control socket, on which a room is offered, and the room. LiveKit's client makes this a
// large file, which is therefore one of its own, loaded where such a call is placed.

import { ConnectionState, getLogger, LoggerNames, type RemoteTrack, Room, RoomEvent, Track } from "livekit-client";
import { room as roomAt, socket } from "../address";
import { ending, type Levels, type Line, type Listener } from "./line";
import { level } from "./sound";
import type { TrackVoice } from "./voice";
import { readOn, type Said, type Wire } from "./wires";

/** What is longer goes over the control socket: asyncapi/webrtc.yaml. */
const MOST_DATA_BYTES = 1024;
/** How long after the room the control socket, which says why, may end. */
const ENDS_WITHIN_MS = 2000;
/** A little less than the time between two looks at how loud it is. */
const LEVEL_SAMPLES = 4096;

// It would write addresses into the console, and the keys in them.
for (const name of Object.values(LoggerNames)) getLogger(name).setDefaultLevel("silent");

export class RoomLine implements Line {
  private readonly control: WebSocket;
  // The mock speaks the signalling that has two connections, and lets nobody in twice.
  private readonly room = new Room({
    singlePeerConnection: false,
    reconnectPolicy: { nextRetryDelayInMs: () => null },
  });
  private readonly context = new AudioContext();
  private readonly caller = new AnalyserNode(this.context, { fftSize: LEVEL_SAMPLES });
  private readonly agent = new AnalyserNode(this.context, { fftSize: LEVEL_SAMPLES });
  private wasOpen = false;
  private offered = false;
  private trouble = "";

  constructor(
    private readonly websocketUrl: string,
    wire: Wire,
    private readonly voice: TrackVoice,
    private readonly listener: Listener,
  ) {
    void this.context.resume();
    this.sourceOf(voice.track).connect(this.caller);
    this.agent.connect(this.context.destination);
    this.room.on(RoomEvent.TrackSubscribed, (track) => this.play(track));
    this.room.on(RoomEvent.DataReceived, (data) => listener.told(readOn(wire, new TextDecoder().decode(data))));
    this.room.on(RoomEvent.Disconnected, () => setTimeout(() => this.give("the room was lost"), ENDS_WITHIN_MS));
    this.control = new WebSocket(socket(websocketUrl));
    this.control.onopen = () => {
      this.wasOpen = true;
    };
    this.control.onmessage = ({ data }) => void this.join(data);
    this.control.onclose = (event) => {
      void this.room.disconnect();
      void this.context.close();
      listener.over(this.trouble || ending(event, this.wasOpen));
    };
  }

  levels(): Levels {
    return { caller: loudness(this.caller), agent: loudness(this.agent) };
  }

  quiet(): boolean {
    // What is measured is what is heard now.
    return true;
  }

  send(messages: Said[]): void {
    if (this.room.state !== ConnectionState.Connected) return;
    for (const message of messages) {
      const data = typeof message === "string" ? new TextEncoder().encode(message) : message;
      if (data.length > MOST_DATA_BYTES) this.control.send(message);
      else void this.sendData(data);
    }
  }

  close(): void {
    void this.room.disconnect();
    this.control.close(1000);
  }

  /** End the call for a reason that the agent does not know. */
  private give(trouble: string): void {
    this.trouble ||= trouble;
    this.close();
  }

  private async join(data: string): Promise<void> {
    try {
      const offer = JSON.parse(data);
      if (this.offered || !offer?.roomUrl || !offer.token) return;
      this.offered = true;
      await this.room.connect(String(roomAt(offer.roomUrl, this.websocketUrl)), offer.token);
      await this.room.localParticipant.publishTrack(this.voice.track, {
        name: "audio",
        source: Track.Source.Microphone,
      });
      this.listener.opened();
    } catch (error) {
      this.give(`the room could not be joined: ${error instanceof Error ? error.message : error}`);
    }
  }

  private async sendData(data: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.room.localParticipant.publishData(data, { reliable: true });
    } catch {
      this.listener.told({ kind: "fault", message: "a message could not be sent in the room" });
    }
  }

  private play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    // Chromium gives no sound of a track that no element plays (bugs.chromium.org, 933677).
    track.attach().muted = true;
    this.sourceOf(track.mediaStreamTrack).connect(this.agent);
  }

  private sourceOf(track: MediaStreamTrack): MediaStreamAudioSourceNode {
    return this.context.createMediaStreamSource(new MediaStream([track]));
  }
}

function loudness(ear: AnalyserNode): number {
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  return level(samples);
}

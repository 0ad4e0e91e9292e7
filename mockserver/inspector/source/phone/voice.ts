// Where the caller's voice comes from: a microphone, or a file that is said when it is told to.

import { built } from "../address";
import { decoded, frames, FRAME_MS, ROOM_HZ } from "./sound";

export interface Voice {
  /** Begin to speak: the file from its beginning. A microphone is not told when to. */
  say: (() => void) | null;
  close: () => void;
}

export interface FrameVoice extends Voice {
  rateHz: number;
  /** Called with each frame of 20 ms. */
  onFrame: (frame: Float32Array) => void;
}

/** A voice as browsers send it to each other. */
export interface TrackVoice extends Voice {
  track: MediaStreamTrack;
}

const MICROPHONE_HZ = 16000;
/** By the name of the error (w3.org/TR/mediacapture-streams, getUserMedia). */
const REFUSALS: Partial<Record<string, string>> = {
  NotAllowedError: "the browser refuses the microphone: allow it for this page",
  NotFoundError: "there is no microphone: connect one",
  NotReadableError: "the microphone cannot be used: close what else uses it",
};

export async function microphone(): Promise<FrameVoice> {
  const stream = await microphoneStream();
  let context = new AudioContext({ sampleRate: MICROPHONE_HZ });
  let source: MediaStreamAudioSourceNode;
  try {
    source = context.createMediaStreamSource(stream);
  } catch {
    // Firefox does not convert rates here (bugzilla.mozilla.org, 1674892): the call then takes the microphone's own.
    await context.close();
    context = new AudioContext();
    source = context.createMediaStreamSource(stream);
  }
  await context.audioWorklet.addModule(built("microphone.js"));
  const worklet = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
  source.connect(worklet);
  const voice: FrameVoice = {
    rateHz: context.sampleRate,
    onFrame: () => {},
    say: null,
    close: () => {
      stop(stream);
      void context.close();
    },
  };
  worklet.port.onmessage = ({ data }: MessageEvent<Float32Array>) => voice.onFrame(data);
  return voice;
}

export async function microphoneTrack(): Promise<TrackVoice> {
  const stream = await microphoneStream();
  return { track: trackOf(stream), say: null, close: () => stop(stream) };
}

/** A file; `silence` between is sent where carriers send it, and left out where a client need not. */
export async function recording(file: Blob, rateHz: number, silence: boolean): Promise<FrameVoice> {
  const said = await frames(file, rateHz);
  const quiet = new Float32Array((rateHz * FRAME_MS) / 1000);
  let at = said.length;
  const voice: FrameVoice = {
    rateHz,
    onFrame: () => {},
    say: () => {
      at = 0;
    },
    close: () => clearInterval(timer),
  };
  let due = performance.now();
  const timer = setInterval(() => {
    // A page that is not looked at is woken once a second: it catches up.
    for (const now = performance.now(); due <= now; due += FRAME_MS) {
      const frame = said[at++] ?? (silence ? quiet : null);
      if (frame) voice.onFrame(frame);
    }
  }, FRAME_MS / 2);
  return voice;
}

export async function recordingTrack(file: Blob): Promise<TrackVoice> {
  const sound = await decoded(file, ROOM_HZ);
  const context = new AudioContext();
  void context.resume();
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  let said: AudioBufferSourceNode | null = null;
  return {
    track: trackOf(out.stream),
    say: () => {
      said?.stop();
      said = new AudioBufferSourceNode(context, { buffer: sound });
      said.connect(out);
      said.start();
    },
    close: () => void context.close(),
  };
}

async function microphoneStream(): Promise<MediaStream> {
  if (!navigator.mediaDevices) {
    throw new Error("browsers give the microphone to pages on this machine or over https alone");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: false } });
  } catch (error) {
    const refusal = error instanceof DOMException && REFUSALS[error.name];
    throw refusal ? new Error(`${refusal}, or choose a sound file`) : error;
  }
}

function trackOf(stream: MediaStream): MediaStreamTrack {
  const [track] = stream.getAudioTracks();
  if (!track) throw new Error("the browser gives no sound");
  return track;
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

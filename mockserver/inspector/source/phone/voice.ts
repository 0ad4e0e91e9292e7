// Where the caller's voice comes from: a microphone, or a file that is said when it is told to.

import { API } from "../address";
import { frames, FRAME_MS } from "./sound";

export interface Voice {
  rateHz: number;
  /** Called with each frame of 20 ms. */
  onFrame: (frame: Float32Array) => void;
  /** Begin to speak: the file from its beginning. A microphone is not told when to. */
  say: (() => void) | null;
  close: () => void;
}

const MICROPHONE_HZ = 16000;

export async function microphone(): Promise<Voice> {
  if (!navigator.mediaDevices) {
    throw new Error("browsers give the microphone to pages on this machine or over https alone");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: false },
  });
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
  await context.audioWorklet.addModule(new URL("../page/microphone.js", API));
  const worklet = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
  source.connect(worklet);
  const voice: Voice = {
    rateHz: context.sampleRate,
    onFrame: () => {},
    say: null,
    close: () => {
      for (const track of stream.getTracks()) track.stop();
      void context.close();
    },
  };
  worklet.port.onmessage = ({ data }: MessageEvent<Float32Array>) => voice.onFrame(data);
  return voice;
}

/** A file; `silence` between is sent where carriers send it, and left out where a client need not. */
export async function recording(file: Blob, rateHz: number, silence: boolean): Promise<Voice> {
  const said = await frames(file, rateHz);
  const quiet = new Float32Array((rateHz * FRAME_MS) / 1000);
  let at = said.length;
  const voice: Voice = {
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

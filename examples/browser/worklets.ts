// Runs on the browser's audio thread: takes the microphone in frames, and plays what the agent says.

import { Playback } from "./playback.js";

// TypeScript's own types leave this thread out (https://developer.mozilla.org/docs/Web/API/AudioWorkletGlobalScope).
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** 20 ms at 16,000 samples a second. */
const FRAME_SAMPLES = 320;

/** Posts each 20 ms of the microphone, as 16-bit samples. */
class Microphone extends AudioWorkletProcessor {
  #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;

  process([input]: Float32Array[][]): boolean {
    for (const sample of input?.[0] ?? []) {
      this.#frame[this.#filled] = Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
      this.#filled += 1;
      if (this.#filled === FRAME_SAMPLES) {
        this.port.postMessage(this.#frame, [this.#frame.buffer]);
        this.#frame = new Int16Array(FRAME_SAMPLES);
        this.#filled = 0;
      }
    }
    return true;
  }
}

/** Plays the samples that are posted to it; `null` stops what has not been played. */
class Speaker extends AudioWorkletProcessor {
  readonly #playback = new Playback();

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<Int16Array | null>) => {
      if (data) this.#playback.push(data);
      else this.#playback.clear();
    };
  }

  process(_: Float32Array[][], [output]: Float32Array[][]): boolean {
    if (output?.[0]) this.#playback.fill(output[0]);
    return true;
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("speaker", Speaker);

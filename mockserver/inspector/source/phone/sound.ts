// Samples and how they are written: mu-law on carriers (ITU-T G.711), 16-bit little-endian on `websocket`.

export const FRAME_MS = 20;
export const CARRIER_HZ = 8000;
/** What the phone asks for as `websocket`. */
export const CLIENT_HZ = 16000;
/** Opus: asyncapi/webrtc.yaml. */
export const ROOM_HZ = 48000;

const BIAS = 132;
const CLIP = 32635;

const MULAW_TO_PCM = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 7;
  const magnitude = ((((bits & 15) << 3) + BIAS) << exponent) - BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
});

function mulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(CLIP, Math.abs(sample)) + BIAS;
  const exponent = 24 - Math.clz32(magnitude);
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff;
}

function pcm(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
}

export interface Coding {
  encode: (samples: Float32Array) => Uint8Array<ArrayBuffer>;
  decode: (payload: Uint8Array) => Float32Array<ArrayBuffer>;
}

export const MULAW: Coding = {
  encode: (samples) => Uint8Array.from(samples, (sample) => mulaw(pcm(sample))),
  decode: (payload) => Float32Array.from(payload, (code) => (MULAW_TO_PCM[code] ?? 0) / 32768),
};

export const PCM16: Coding = {
  encode: (samples) => {
    const bytes = new DataView(new ArrayBuffer(samples.length * 2));
    samples.forEach((sample, at) => bytes.setInt16(at * 2, pcm(sample), true));
    return new Uint8Array(bytes.buffer);
  },
  decode: (payload) => {
    const bytes = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    return Float32Array.from({ length: payload.length >> 1 }, (_, at) => bytes.getInt16(at * 2, true) / 32768);
  },
};

/** How loud it is, from 0 to 1, on a scale that suits the ear. */
export function level(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-9);
  return Math.max(0, Math.min(1, (decibels + 60) / 60));
}

/** A file of sound as samples at a rate. Raises where the browser cannot read it. */
export async function decoded(file: Blob, rateHz: number): Promise<AudioBuffer> {
  return new OfflineAudioContext(1, 1, rateHz).decodeAudioData(await file.arrayBuffer());
}

/** The same, in one channel, in frames of 20 ms. */
export async function frames(file: Blob, rateHz: number): Promise<Float32Array[]> {
  const sound = await decoded(file, rateHz);
  const samples = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((sample, at) => {
      samples[at] = (samples[at] ?? 0) + sample / sound.numberOfChannels;
    });
  }
  const size = (rateHz * FRAME_MS) / 1000;
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, at) => {
    const frame = new Float32Array(size);
    frame.set(samples.subarray(at * size, (at + 1) * size));
    return frame;
  });
}

// Sound: G.711, 16-bit PCM, the agent's voice and the ear that notices speech.  Samples are signed 16-bit numbers.

const MU_LAW = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = (((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4);
  return code & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});

const A_LAW = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55;
  const segment = (code & 0x70) >> 4;
  const mantissa = (code & 0x0f) << 4;
  const magnitude = segment === 0 ? mantissa + 8 : (mantissa + 0x108) << (segment - 1);
  return code & 0x80 ? magnitude : -magnitude;
});

export const decodeMuLaw = (bytes) => Int16Array.from(bytes, (byte) => MU_LAW[byte]);
export const decodeALaw = (bytes) => Int16Array.from(bytes, (byte) => A_LAW[byte]);

export function encodeMuLaw(samples) {
  return Buffer.from(
    Uint8Array.from(samples, (sample) => {
      const sign = sample < 0 ? 0x80 : 0;
      const magnitude = Math.min(Math.abs(sample), 32635) + 0x84;
      const exponent = 24 - Math.clz32(magnitude);
      return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f));
    }),
  );
}

export function encodePcm(samples) {
  const bytes = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => bytes.writeInt16LE(sample, i * 2));
  return bytes;
}

/** Little-endian 16-bit samples from frames of any length: half a sample waits for the next frame. */
export function pcmDecoder() {
  let rest = Buffer.alloc(0);
  return (frame) => {
    const bytes = rest.length ? Buffer.concat([rest, frame]) : frame;
    const samples = new Int16Array(bytes.length >> 1);
    for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2);
    rest = Buffer.from(bytes.subarray(samples.length * 2));
    return samples;
  };
}

const SYLLABLE_S = 0.18;
const FADE_S = 0.01;
const PITCHES_HZ = [220, 262, 294, 330, 392, 440, 349, 247];
const LOUDNESS = 9000;

/** How long the agent takes to say a text, in whole frames of 40 ms. */
export function speakingTimeMs(text) {
  const wanted = Math.min(Math.max(text.length * 60, 1000), 20000);
  return Math.ceil(wanted / 40) * 40;
}

/** The agent's voice: one tone per "syllable".  Made piece by piece, so that nobody waits for a long text. */
export function voiceOf(text, rateHz) {
  const syllable = Math.round(rateHz * SYLLABLE_S);
  const fade = rateHz * FADE_S;
  return (from, to) =>
    Int16Array.from({ length: to - from }, (_, offset) => {
      const number = Math.floor((from + offset) / syllable);
      const at = (from + offset) % syllable;
      const letter = text.charCodeAt((number * 3) % text.length) || 0;
      const pitch = PITCHES_HZ[(letter + number) % PITCHES_HZ.length];
      const envelope = Math.min(1, at / fade, (syllable - at) / fade);
      return LOUDNESS * envelope * Math.sin((2 * Math.PI * pitch * at) / rateHz);
    });
}

const WINDOW_S = 0.06;
const THRESHOLD = 32768 * 10 ** (-40 / 20);

/** Tells of each batch of samples whether a window of 60 ms that ends in it was louder than -40 dBFS. */
export function speechDetector(rateHz) {
  const size = Math.round(rateHz * WINDOW_S);
  let count = 0;
  let sum = 0;
  let squares = 0;
  return (samples) => {
    let heard = false;
    for (const sample of samples) {
      sum += sample;
      squares += sample * sample;
      if (++count < size) continue;
      const mean = sum / size; // a constant offset is not sound
      heard ||= squares / size - mean * mean > THRESHOLD ** 2;
      count = sum = squares = 0;
    }
    return heard;
  };
}

// WAV files of 16-bit samples, as the mock writes them.

export interface Recording {
  rateHz: number;
  /** The caller, then the agent. */
  channels: readonly Int16Array[];
  seconds: number;
}

const HEAD_BYTES = 44;

export function read(file: ArrayBuffer): Recording {
  const head = new DataView(file);
  const count = head.getUint16(22, true);
  const rateHz = head.getUint32(24, true);
  const samples = new Int16Array(file, HEAD_BYTES, Math.floor((file.byteLength - HEAD_BYTES) / 2));
  const length = Math.floor(samples.length / count);
  const channels = Array.from({ length: count }, (_, channel) => {
    const one = new Int16Array(length);
    for (let at = 0; at < length; at++) one[at] = samples[at * count + channel] ?? 0;
    return one;
  });
  return { rateHz, channels, seconds: length / rateHz };
}

/** The highest of each piece, from 0 to 1. */
export function peaks(samples: Int16Array, pieces: number): Float32Array {
  const found = new Float32Array(pieces);
  const size = samples.length / pieces;
  for (let piece = 0; piece < pieces; piece++) {
    let highest = 0;
    const end = Math.min(samples.length, Math.max(Math.floor((piece + 1) * size), Math.floor(piece * size) + 1));
    for (let at = Math.floor(piece * size); at < end; at++) highest = Math.max(highest, Math.abs(samples[at] ?? 0));
    found[piece] = highest / 32768;
  }
  return found;
}

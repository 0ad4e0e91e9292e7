// Lines to Twilio, Telnyx and Plivo: JSON text frames that carry base64 mu-law at 8000 Hz.
import { decodeALaw, decodeMuLaw, encodeMuLaw } from './audio.mjs';
import { isObject } from './validation.mjs';

const base64 = (samples) => encodeMuLaw(samples).toString('base64');

// How the carriers differ.  `id` is the stream's id: nothing can be sent before the start message has told it.
const DIALECTS = {
  twilio: {
    idOf: (message) => message.streamSid ?? message.start?.streamSid,
    played: ['mark', (message) => message.mark?.name],
    audio: (id, samples) => ({ event: 'media', streamSid: id, media: { payload: base64(samples) } }),
    mark: (id, name) => ({ event: 'mark', streamSid: id, mark: { name } }),
    clear: (id) => ({ event: 'clear', streamSid: id }),
  },
  telnyx: {
    idOf: (message) => message.stream_id,
    played: ['mark', (message) => message.mark?.name],
    audio: (id, samples) => ({ event: 'media', media: { payload: base64(samples) } }),
    mark: (id, name) => ({ event: 'mark', mark: { name } }),
    clear: () => ({ event: 'clear' }),
  },
  plivo: {
    idOf: (message) => message.streamId ?? message.start?.streamId,
    played: ['playedStream', (message) => message.name],
    audio: (id, samples) => ({
      event: 'playAudio',
      media: { contentType: 'audio/x-mulaw', sampleRate: 8000, payload: base64(samples) },
    }),
    mark: (id, name) => ({ event: 'checkpoint', streamId: id, name }),
    clear: (id) => ({ event: 'clearAudio', streamId: id }),
  },
};

export function carrierLine(connectionType, socket) {
  const dialect = DIALECTS[connectionType];
  const [playedEvent, playedName] = dialect.played;
  let id;
  let decode = decodeMuLaw;

  return {
    rateHz: 8000,
    inputRateHz: 8000,
    frameMs: 40,
    invokesTools: false,
    sendAudio: (samples) => socket.sendJson(dialect.audio(id, samples)),
    endUtterance(name) {
      socket.sendJson(dialect.mark(id, name));
      return true;
    },
    withdraw: () => socket.sendJson(dialect.clear(id)),
    notify() {}, // carriers carry sound only
    hangUp: () => socket.close(),

    opened() {}, // the call begins with the carrier's start message

    received(data, isBinary, conversation) {
      const message = isBinary ? undefined : parseObject(data);
      if (!message) return;
      if (message.event === 'start') {
        const told = dialect.idOf(message);
        if (id !== undefined || typeof told !== 'string' || !told) return;
        id = told;
        // Telnyx sends the codec of the caller's leg, often A-law, and still expects mu-law back.
        if (connectionType === 'telnyx' && message.start?.media_format?.encoding === 'PCMA') decode = decodeALaw;
        conversation.begin();
      } else if (message.event === 'stop') {
        conversation.hangUp('stop');
      } else if (id === undefined) {
        return;
      } else if (message.event === 'media') {
        const samples = decode(payloadOf(message, dialect.idOf(message), id));
        if (samples.length) conversation.hear(samples);
      } else if (message.event === 'dtmf') {
        conversation.notice();
      } else if (message.event === playedEvent) {
        conversation.played(playedName(message));
      }
      // Anything else is news to us and no reason to give up a call.
    },
  };
}

const NOTHING = Buffer.alloc(0);
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function payloadOf({ media }, streamId, id) {
  const payload = media?.payload;
  if (media?.track === 'outbound' || (streamId !== undefined && streamId !== id)) return NOTHING;
  // Buffer.from() accepts garbage, which would then be heard as noise.
  if (typeof payload !== 'string' || payload.length % 4 || !BASE64.test(payload)) return NOTHING;
  return Buffer.from(payload, 'base64');
}

export function parseObject(data) {
  try {
    const message = JSON.parse(data.toString());
    return isObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

// Lines to clients that speak the service's own protocol: `websocket`, and the control socket of `webrtc`.
import { decodeMuLaw, encodeMuLaw, encodePcm, pcmDecoder } from './audio.mjs';
import { parseObject } from './carriers.mjs';
import { roomToken } from './livekit.mjs';

/** What both sockets understand.  Returns what was wrong with the message, or undefined. */
function understand(data, conversation, socket) {
  const message = parseObject(data);
  if (typeof message?.type !== 'string') return 'A message is a JSON object with a type.';
  switch (message.type) {
    case 'user_text_message':
    case 'input_text_message':
      if (typeof message.text !== 'string' || !message.text) return 'text must be a string that is not empty.';
      conversation.read(message.text);
      return undefined;
    case 'client_tool_result':
      if (typeof message.invocationId !== 'string') return 'invocationId must be a string.';
      conversation.takeToolResult(message.invocationId, 'error' in message || 'errorType' in message);
      return undefined;
    case 'ping':
      socket.sendJson({ type: 'pong', timestamp: message.timestamp });
      return undefined;
    case 'hang_up':
      conversation.hangUp('client');
      return undefined;
    case 'set_output_medium':
      return undefined; // always voice
    default:
      return 'The type is not known.';
  }
}

export function websocketLine({ inputSampleRate, outputSampleRate, codec = 'pcm' }, socket) {
  const decode = codec === 'g711' ? decodeMuLaw : pcmDecoder();
  const encode = codec === 'g711' ? encodeMuLaw : encodePcm;
  const notify = (message) => socket.sendJson(message);

  return {
    rateHz: outputSampleRate,
    inputRateHz: inputSampleRate,
    frameMs: 20,
    invokesTools: true,
    sendAudio: (samples) => socket.sendBytes(encode(samples)),
    endUtterance: () => false,
    withdraw: () => notify({ type: 'playback_clear_buffer' }),
    notify,
    hangUp(reason) {
      notify({ type: 'hangup', reason });
      socket.close();
    },

    opened: (conversation) => conversation.begin(),

    received(data, isBinary, conversation) {
      if (isBinary) {
        conversation.hear(decode(data));
        return;
      }
      const problem = understand(data, conversation, socket);
      if (problem) notify({ type: 'error', code: 'BAD_MESSAGE', message: problem });
    },
  };
}

/** The media are LiveKit's business; this socket hands out the key to the room and lives as long as the call. */
export function webrtcLine(call, socket, livekit) {
  return {
    rateHz: 48000,
    inputRateHz: 48000,
    frameMs: 40,
    invokesTools: false,
    sendAudio() {},
    endUtterance: () => false,
    withdraw() {},
    notify() {},
    hangUp: () => socket.close(),

    opened(conversation) {
      socket.sendJson({ roomUrl: livekit.url, token: roomToken(call, livekit) });
      conversation.begin();
    },

    received(data, isBinary, conversation) {
      if (!isBinary) understand(data, conversation, socket);
    },
  };
}

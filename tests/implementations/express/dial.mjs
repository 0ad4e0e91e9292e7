// The dial URL: the upgrade, and the socket of a call that goes on.
import { WebSocketServer } from 'ws';
import { carrierLine } from './carriers.mjs';
import { Conversation } from './conversation.mjs';
import { ApiError, notFound } from './errors.mjs';
import { rawAnswer } from './raw.mjs';
import { websocketLine, webrtcLine } from './sockets.mjs';

const DIAL_PATH = /^\/stream\/([A-Za-z0-9_-]{32})$/;
const LARGEST_MESSAGE = 8 * 1024 * 1024;
const MOST_UNREAD = 8 * 1024 * 1024;
const HEARTBEAT_MS = 20_000;
const CLOSING_GRACE_MS = 2000;

export const dialPath = (token) => `/stream/${token}`;

/** `server.on('upgrade')`: answers a dial, and hands any other request that asks for an upgrade back to HTTP. */
export function dialling({ registry, timeScale, livekit, serveAsHttp }) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE, perMessageDeflate: false });

  const onUpgrade = (request, socket, head) => {
    const path = request.url.split('?', 1)[0]; // clients add parameters, carriers drop them: neither matters
    if (!path.startsWith('/stream/') || !asksForWebSocket(request)) {
      serveAsHttp(request, socket, head);
      return;
    }
    socket.on('error', () => socket.destroy());
    // Judged before the token, so that a bad handshake tells nothing about it.
    const problem = handshakeProblem(request);
    if (problem) {
      socket.end(rawAnswer(problem));
      return;
    }
    const call = registry.find(DIAL_PATH.exec(path)?.[1]);
    if (!call) {
      socket.end(rawAnswer(notFound()));
      return;
    }
    // Nothing is awaited between find() and use(), so of racing dials one wins; and ws calls back only after the 101.
    sockets.handleUpgrade(request, socket, head, (ws) => {
      registry.use(call);
      serveCall(call, ws, { timeScale, livekit });
    });
  };

  const closeAll = () => {
    for (const ws of sockets.clients) ws.close(1001);
  };

  return { onUpgrade, closeAll };
}

const asksForWebSocket = (request) =>
  request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';

function handshakeProblem({ headers }) {
  if (headers['sec-websocket-version'] !== '13') {
    return new ApiError(426, 'BAD_REQUEST', 'Only version 13 of the WebSocket protocol is spoken here.', {
      headers: { 'Sec-WebSocket-Version': '13' },
    });
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    return new ApiError(400, 'BAD_REQUEST', 'The WebSocket handshake is not valid.');
  }
  return undefined;
}

function serveCall(call, ws, { timeScale, livekit }) {
  const socket = {
    sendJson: (message) => socket.sendBytes(JSON.stringify(message)),
    sendBytes(data) {
      if (ws.readyState !== ws.OPEN) return;
      if (ws.bufferedAmount > MOST_UNREAD) ws.terminate(); // nobody reads any more
      else ws.send(data, { binary: typeof data !== 'string' });
    },
    close() {
      ws.close(1000);
      setTimeout(() => ws.terminate(), CLOSING_GRACE_MS).unref();
    },
  };
  const { settings } = call;
  const line =
    settings.connectionType === 'websocket'
      ? websocketLine(settings.websocket, socket)
      : settings.connectionType === 'webrtc'
        ? webrtcLine(call, socket, livekit)
        : carrierLine(settings.connectionType, socket);
  const conversation = new Conversation({ settings, line, timeScale });

  let alive = true;
  const heartbeat = setInterval(() => {
    if (!alive) ws.terminate();
    else if (ws.readyState === ws.OPEN) ws.ping();
    alive = false;
  }, HEARTBEAT_MS);

  ws.on('pong', () => {
    alive = true;
  });
  ws.on('message', (data, isBinary) => {
    alive = true;
    if (ws.readyState === ws.OPEN) line.received(data, isBinary, conversation);
  });
  ws.on('error', () => {}); // frames that break the protocol: ws closes by itself, and 'close' follows
  ws.on('close', () => {
    clearInterval(heartbeat);
    conversation.end();
  });
  line.opened(conversation);
}

// Answers outside of Express: before an upgrade, and to what Node's HTTP parser refuses.
import { STATUS_CODES } from 'node:http';
import { BASES, OPERATIONS } from './api.mjs';
import { ApiError, methodNotAllowed, notFound } from './errors.mjs';

/** A whole HTTP answer.  The same error gives the same bytes, always. */
export function rawAnswer(error) {
  const body = JSON.stringify(error.body);
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...error.headers,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${head.join('')}\r\n${body}`;
}

const PATHS = BASES.flatMap((base) => OPERATIONS.map((operation) => base + operation));
const otherMethod = (target) => (PATHS.includes(target.split('?', 1)[0]) ? methodNotAllowed() : notFound());

/** `server.on('clientError')` */
export function refuseBrokenRequest(error, socket) {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawAnswer(errorFor(error)));
}

function errorFor({ code, rawPacket }) {
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError(431, 'BAD_REQUEST', 'The headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError(408, 'BAD_REQUEST', 'The request took too long.');
  // A method that Node has never heard of is still only a method that we do not have.
  const target = code === 'HPE_INVALID_METHOD' && /^\S+ (\S+) HTTP\/1/.exec(rawPacket?.toString('latin1') ?? '')?.[1];
  return target ? otherMethod(target) : new ApiError(400, 'BAD_REQUEST', 'The request is not HTTP.');
}

/** `server.on('connect')`: Express never sees this method. */
export function refuseConnect(request, socket) {
  socket.on('error', () => socket.destroy());
  socket.end(rawAnswer(otherMethod(request.url)));
}

/**
 * Node takes every request that offers an upgrade out of HTTP, even one that asks for something else by the way: some
 * clients offer h2c with each POST.  Such an offer may be ignored (RFC 9110, 7.8), so the request is put back without.
 */
export function serveAsHttp(server) {
  return (request, socket, head) => {
    const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const [name, value] = request.rawHeaders.slice(i, i + 2);
      if (!['upgrade', 'connection', 'http2-settings'].includes(name.toLowerCase())) lines.push(`${name}: ${value}`);
    }
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
    server.emit('connection', socket);
  };
}

// The HTTP side: POST /calls/create and POST /calls/inline.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { ApiError, methodNotAllowed, notFound } from './errors.mjs';
import { countRequest } from './keys.mjs';
import { checkCreate, checkInline, isObject } from './validation.mjs';

const BODY_LIMIT = 256 * 1024;
export const BASES = ['/api/v1', ''];
export const OPERATIONS = ['/calls/create', '/calls/inline'];

const AGENT_DEFAULTS = {
  greeting: 'Hello, how can I help you today?',
  firstSpeaker: 'agent',
  interruptible: false,
  maxDuration: 3000,
  inactivityAction: 'prompt',
  connectionType: 'twilio',
  selectedTools: [],
};

export function createApp({ keys, agents, registry, dialUrl }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('query parser', false);

  app.use((req, res, next) => {
    res.set({
      'X-Request-Id': randomUUID(),
      'Cache-Control': 'no-store',
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers':
        'Location, Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset',
    });
    next();
  });

  const countForKey = (req, res, next) => {
    const account = keys.get(req.get('x-api-key'));
    const rate = account && countRequest(account);
    if (rate) {
      res.set({
        'X-RateLimit-Limit': String(rate.limit),
        'X-RateLimit-Remaining': String(rate.remaining),
        'X-RateLimit-Reset': String(rate.resetUnixS),
      });
    }
    res.locals = { account, rate };
    next();
  };

  const authorize = (req, res, next) => {
    const { account, rate } = res.locals;
    if (!req.get('x-api-key')) throw new ApiError(401, 'MISSING_API_KEY', 'The X-API-Key header is missing.');
    if (!account) throw new ApiError(401, 'UNAUTHORIZED', 'The API key is not valid.');
    if (rate?.exceeded) {
      throw new ApiError(429, 'RATE_LIMIT_EXCEEDED', `This key may send ${rate.limit} requests an hour.`, {
        headers: { 'Retry-After': String(rate.retryAfterS) },
      });
    }
    if (!account.funded) throw new ApiError(402, 'PAYMENT_REQUIRED', 'The balance does not cover another call.');
    next();
  };

  const validBody = (check) => async (req, res, next) => {
    const body = await readJson(req);
    const details = check(body, '');
    if (details.length) {
      const [{ field, message }] = details;
      throw new ApiError(400, 'VALIDATION_ERROR', `${field} ${message}`, { details: details.slice(0, 20) });
    }
    req.body = body;
    next();
  };

  const answer = (req, res, settings, agent) => {
    const call = registry.add(settings);
    res
      .status(201)
      .location(`${req.baseUrl}/calls/${call.id}`)
      .json({
        id: call.id,
        websocketUrl: dialUrl(call.token),
        status: 'created',
        connectionType: settings.connectionType,
        ...(agent && { agent }),
        createdAt: call.createdAt.toISOString(),
      });
  };

  const createCall = (req, res) => {
    const { agentId, connectionType, websocket } = req.body;
    const agent = agents.get(agentId);
    if (!agent) throw new ApiError(404, 'RESOURCE_NOT_FOUND', 'There is no such agent in this workspace.');
    answer(req, res, { ...AGENT_DEFAULTS, ...(connectionType && { connectionType }), websocket }, agent);
  };

  const createInlineCall = (req, res) => answer(req, res, { ...AGENT_DEFAULTS, ...req.body });

  const options = (req, res) =>
    res
      .set({
        Allow: 'POST, OPTIONS',
        'Access-Control-Allow-Methods': 'POST, OPTIONS',
        'Access-Control-Allow-Headers': 'Content-Type, X-API-Key',
      })
      .status(204)
      .end();

  const refuseMethod = () => {
    throw methodNotAllowed();
  };

  const calls = express.Router({ caseSensitive: true });
  for (const [path, check, create] of [
    ['/calls/create', checkCreate, createCall],
    ['/calls/inline', checkInline, createInlineCall],
  ]) {
    calls.route(path).options(options).all(countForKey).post(authorize, validBody(check), create).all(refuseMethod);
  }
  for (const base of BASES) app.use(base || '/', calls);

  // Express' own pages would repeat the path, and a path may hold a dial token.
  app.use(() => {
    throw notFound();
  });

  app.use((error, req, res, next) => {
    if (res.headersSent) return next(error);
    const known = error instanceof ApiError ? error : fromFramework(error);
    res.status(known.status).set(known.headers).json(known.body);
  });

  return app;
}

function fromFramework(error) {
  if (error.status >= 400 && error.status < 500) {
    return new ApiError(error.status, 'BAD_REQUEST', 'The request cannot be understood.');
  }
  console.error(error); // our own fault: its text holds nothing that a client sent
  return new ApiError(500, 'INTERNAL_ERROR', 'Something went wrong on our side.');
}

async function readJson(req) {
  const [mediaType, ...parameters] = (req.get('content-type') ?? '').toLowerCase().split(';').map((s) => s.trim());
  const charset = parameters.find((p) => p.startsWith('charset='))?.slice('charset='.length).replaceAll('"', '');
  const encoding = req.get('content-encoding')?.toLowerCase() ?? 'identity';
  if (mediaType !== 'application/json' || !['utf-8', 'utf8', undefined].includes(charset) || encoding !== 'identity') {
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json in UTF-8, not compressed.');
  }

  const bytes = await readBytes(req);
  let body;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ApiError(400, 'INVALID_BODY', 'The body is not JSON in UTF-8.');
  }
  if (!isObject(body)) throw new ApiError(400, 'INVALID_BODY', 'The body must be a JSON object.');
  return body;
}

function readBytes(req) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    req.on('data', (chunk) => {
      size += chunk.length;
      if (size <= BODY_LIMIT) {
        chunks.push(chunk);
        return;
      }
      // What still comes is read and dropped: closing now would reset the connection under a client that is sending,
      // and it would never see the answer.
      chunks.length = 0;
      reject(new ApiError(413, 'PAYLOAD_TOO_LARGE', `The body is over ${BODY_LIMIT} bytes.`));
    });
    req.on('end', () => resolve(Buffer.concat(chunks)));
    req.on('error', () => reject(new ApiError(400, 'INVALID_BODY', 'The body broke off.')));
  });
}

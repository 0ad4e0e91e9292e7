// LiveKit access tokens: a JWT, HS256.
import { createHmac, randomBytes } from 'node:crypto';

/** Where the rooms are.  Without a secret in the environment one is made up, and the rooms are out of reach. */
export function livekitFromEnvironment(env = process.env) {
  return {
    url: env.LIVEKIT_URL ?? 'ws://127.0.0.1:7880',
    apiKey: env.LIVEKIT_API_KEY ?? 'devkey',
    apiSecret: env.LIVEKIT_API_SECRET ?? randomBytes(32).toString('hex'),
  };
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function roomToken(call, { apiKey, apiSecret }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: apiKey,
    sub: `caller-${call.id}`,
    nbf: now - 60, // the room's clock may be behind ours
    exp: now + call.settings.maxDuration + 60,
    video: { room: call.id, roomJoin: true, canPublish: true, canSubscribe: true, canPublishData: true },
  };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', apiSecret).update(signed).digest('base64url')}`;
}

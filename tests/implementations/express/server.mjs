// A small voice API: HTTP by Express, sockets by ws.
//
//   node server.mjs --port 8080 --api-key KEY --agent ID
//
// It listens on 127.0.0.1 only, prints one line when it is ready, and ends on SIGTERM or SIGINT.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createApp } from './api.mjs';
import { dialling, dialPath } from './dial.mjs';
import { keyRing } from './keys.mjs';
import { livekitFromEnvironment } from './livekit.mjs';
import { refuseBrokenRequest, refuseConnect, serveAsHttp } from './raw.mjs';
import { Registry } from './registry.mjs';

const HOST = '127.0.0.1';

const many = { type: 'string', multiple: true, default: [] };
const one = (value) => ({ type: 'string', default: value });

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: one('8080'),
      'api-key': many,
      'unfunded-key': many, // its balance is used up: 402
      'limited-key': many, // may send 5 requests an hour
      agent: many,
      'time-scale': one('1'), // divides maxDuration and inactivityTimeout
      'url-ttl': one('60'), // seconds from creation to dial
      'rate-limit': one('1000'), // requests an hour for a key; 0: no limit
    },
  });
  const number = (name, least) => {
    const value = Number(values[name]);
    if (!(value >= least)) throw new RangeError(`--${name} must be a number of at least ${least}`);
    return value;
  };
  return {
    port: number('port', 0),
    timeScale: number('time-scale', 0.001),
    urlTtlS: number('url-ttl', 0.001),
    rateLimit: number('rate-limit', 0),
    apiKeys: values['api-key'],
    unfundedKeys: values['unfunded-key'],
    limitedKeys: values['limited-key'],
    agents: values.agent,
  };
}

function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }

  const registry = new Registry(options.urlTtlS);
  const server = createServer({ keepAliveTimeout: 65_000 });

  const app = createApp({
    keys: keyRing(options),
    agents: new Map(options.agents.map((id) => [id, { id, name: 'Assistant' }])),
    registry,
    dialUrl: (token) => `ws://${HOST}:${server.address().port}${dialPath(token)}`,
  });
  const dials = dialling({
    registry,
    timeScale: options.timeScale,
    livekit: livekitFromEnvironment(),
    serveAsHttp: serveAsHttp(server),
  });

  server.on('request', app);
  server.on('upgrade', dials.onUpgrade);
  server.on('connect', refuseConnect);
  server.on('clientError', refuseBrokenRequest);
  server.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  server.listen(options.port, HOST, () => console.log(`ready http://${HOST}:${server.address().port}`));

  const stop = () => {
    dials.closeAll();
    server.close();
    setTimeout(() => process.exit(0), 200);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main();

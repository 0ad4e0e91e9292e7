// Calls that nobody has dialled yet.
import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** 25 characters that look like a cuid.  Not a secret: the token is. */
const newId = () => 'c' + Array.from(randomBytes(24), (byte) => ALPHABET[byte % ALPHABET.length]).join('');

export class Registry {
  #waiting = new Map(); // token -> call, oldest first
  #lifeMs;

  constructor(urlTtlS) {
    this.#lifeMs = urlTtlS * 1000;
  }

  add(settings) {
    this.#forgetExpired();
    const call = {
      id: newId(),
      token: randomBytes(24).toString('base64url'),
      createdAt: new Date(),
      expiresAt: performance.now() + this.#lifeMs,
      settings,
    };
    this.#waiting.set(call.token, call);
    return call;
  }

  /** The call of a token that is still good, or undefined: used, expired and unknown tokens are all the same. */
  find(token) {
    this.#forgetExpired();
    return this.#waiting.get(token);
  }

  use(call) {
    this.#waiting.delete(call.token);
  }

  #forgetExpired() {
    const now = performance.now();
    for (const call of this.#waiting.values()) {
      if (call.expiresAt > now) return;
      this.#waiting.delete(call.token);
    }
  }
}

// API keys and what each may still do.
const HOUR_MS = 3600_000;
const LIMITED_PER_HOUR = 5;

/** `rateLimit` 0 means no limit. */
export function keyRing({ apiKeys, unfundedKeys, limitedKeys, rateLimit }) {
  const account = (limit, funded = true) => ({ limit, funded, used: 0, resetAt: 0 });
  return new Map([
    ...apiKeys.map((key) => [key, account(rateLimit)]),
    ...unfundedKeys.map((key) => [key, account(rateLimit, false)]),
    ...limitedKeys.map((key) => [key, account(LIMITED_PER_HOUR)]),
  ]);
}

/** Counts a request in the account's hour, which starts with its first request.  Returns undefined without a limit. */
export function countRequest(account, now = Date.now()) {
  if (!account.limit) return undefined;
  if (now >= account.resetAt) {
    account.used = 0;
    account.resetAt = now + HOUR_MS;
  }
  account.used += 1;
  return {
    limit: account.limit,
    remaining: Math.max(0, account.limit - account.used),
    resetUnixS: Math.ceil(account.resetAt / 1000),
    retryAfterS: Math.ceil((account.resetAt - now) / 1000),
    exceeded: account.used > account.limit,
  };
}

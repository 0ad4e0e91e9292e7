// What the mock remembers, kept up to date for as long as the page is open.

import { computed, signal } from "@preact/signals";
import { api, ApiError, renewSession, type Call, type Request, type Status } from "../api";

const WAIT_S = 25;
const AGAIN_AFTER_MS = 1500;
/** A call changes a hundred times a second: to look five times is enough. */
const PAUSE_MS = 100;
const MOST_REQUESTS = 1000;

/** `locked`: the control token is asked for. */
export const link = signal<"connecting" | "live" | "lost" | "locked">("connecting");
export const refusal = signal("");
export const status = signal<Status | null>(null);
/** The oldest first. */
export const requests = signal<readonly Request[]>([]);
export const calls = signal<ReadonlyMap<string, Call>>(new Map());
/** Calls that changed lately, by the number of their latest change. */
export const callChanges = signal<ReadonlyMap<string, number>>(new Map());

export type Entry = { kind: "request"; at: number; request: Request } | { kind: "call"; at: number; call: Call };

/** Requests and calls, the newest first. */
export const entries = computed<readonly Entry[]>(() => {
  const all: Entry[] = [
    ...requests.value.map((request): Entry => ({ kind: "request", at: Date.parse(request.at), request })),
    ...[...calls.value.values()].map((call): Entry => ({ kind: "call", at: Date.parse(call.createdAt), call })),
  ];
  return all.sort((one, other) => other.at - one.at || (one.kind === "call" ? -1 : 1));
});

let latest = 0;
let following = false;

/** Follow the mock until the page is closed, or the mock asks for its token. */
export async function follow(): Promise<void> {
  if (following) return;
  following = true;
  let renewed = false;
  for (;;) {
    try {
      status.value = status.value ?? (await api.status());
      await takeIn(await api.changes(latest, latest ? WAIT_S : 0));
      link.value = "live";
      renewed = false;
      await pause(PAUSE_MS);
    } catch (error) {
      const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      if (refused && renewed) {
        refusal.value = error.message;
        link.value = "locked";
        break;
      }
      link.value = "lost";
      status.value = null;
      if (refused) {
        // A mock that was started anew knows another session.
        renewed = true;
        forget();
        latest = 0;
        await renewSession();
      } else {
        await pause(AGAIN_AFTER_MS);
      }
    }
  }
  following = false;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function takeIn({ latest: now, changes }: Awaited<ReturnType<typeof api.changes>>): Promise<void> {
  // A mock that was started anew counts from 1.
  if (now < latest || changes.some((change) => change.kind === "reset")) forget();
  if (changes.some((change) => change.kind === "request")) await loadRequests();
  const changed = changes.filter((change) => change.kind === "call");
  if (changed.length) {
    await loadCalls(changed.map((change) => change.id));
    callChanges.value = new Map([...callChanges.value, ...changed.map(({ id, number }) => [id, number] as const)]);
  }
  latest = now;
}

async function loadRequests(): Promise<void> {
  const known = requests.value.at(-1)?.number ?? 0;
  requests.value = [...requests.value, ...(await api.requests(known))].slice(-MOST_REQUESTS);
}

async function loadCalls(changed: readonly string[]): Promise<void> {
  const many = changed.length > 5;
  const found = many ? await api.calls(0) : await Promise.all(changed.map(loadCall));
  const next = many ? new Map<string, Call>() : new Map(calls.value);
  for (const call of found) if (call) next.set(call.id, call);
  calls.value = next;
}

async function loadCall(id: string): Promise<Call | null> {
  try {
    return await api.call(id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function forget(): void {
  requests.value = [];
  calls.value = new Map();
  callChanges.value = new Map();
}

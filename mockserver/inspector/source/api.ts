// The control API, as openapi/control.yaml describes it (control-api.ts is made from that).

import { API } from "./address";
import type { components } from "./control-api";

type Schemas = components["schemas"];
export type Status = Schemas["Status"];
export type Changes = Schemas["Changes"];
export type Request = Schemas["Request"];
export type Call = Schemas["Call"];
export type Event = Schemas["Event"];
export type Utterance = Schemas["Utterance"];
export type Scenario = Schemas["Scenario"];
export type Outcomes = Schemas["Outcomes"];
export type Side = Event["side"];

const TOKEN = "calls-control-token";

/** An answer that is an error; `status` 0 where nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Beyond the loopback interface the page has no session: whoever looks at it types the token in. */
export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Where the page has a session, it comes with the page. */
export async function renewSession(): Promise<void> {
  await fetch(location.pathname).catch(() => {});
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN);
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let response: Response;
  try {
    // With the cache, pages beside each other would wait for each other's answers to the same question.
    response = await fetch(new URL(path, API), { ...init, headers, cache: "no-store" });
  } catch {
    throw new ApiError(0, "the mock does not answer");
  }
  if (!response.ok) throw new ApiError(response.status, await message(response));
  return response;
}

async function message(response: Response): Promise<string> {
  try {
    return (await response.json()).error.message;
  } catch {
    return `answered with ${response.status}`;
  }
}

async function get<T>(path: string): Promise<T> {
  return (await ask(path)).json();
}

async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  return (await ask(path, init)).json();
}

/** All pages together; the last one is empty. */
async function pages<T extends { number: number }>(after: number, load: (after: number) => Promise<T[]>): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await load(all.at(-1)?.number ?? after);
    if (!page.length) return all;
    all.push(...page);
  }
}

const of = (callId: string) => `calls/${encodeURIComponent(callId)}`;

export const api = {
  status: () => get<Status>("status"),
  changes: (after: number, waitS: number) => get<Changes>(`changes?after=${after}&waitS=${waitS}`),
  requests: (after: number) =>
    pages(after, async (last) => (await get<{ requests: Request[] }>(`requests?after=${last}`)).requests),
  calls: (after: number) => pages(after, async (last) => (await get<{ calls: Call[] }>(`calls?after=${last}`)).calls),
  call: (callId: string) => get<Call>(of(callId)),
  events: async (callId: string, after: number) =>
    (await get<{ events: Event[] }>(`${of(callId)}/events?after=${after}&limit=2000`)).events,
  transcript: async (callId: string) => (await get<{ utterances: Utterance[] }>(`${of(callId)}/transcript`)).utterances,
  audio: async (callId: string, side?: Side) =>
    (await ask(`${of(callId)}/audio${side ? `?side=${side}` : ""}`)).arrayBuffer(),
  hangUp: (callId: string) => send<Call>("POST", `${of(callId)}/hang-up`),
  speak: (callId: string, text: string) => send<Call>("POST", `${of(callId)}/speech`, { text }),
  pressDigits: (callId: string, digits: string) => send<Call>("POST", `${of(callId)}/digits`, { digits }),
  reset: () => send<Status>("POST", "reset"),
  scenarios: async () => (await get<{ scenarios: Scenario[] }>("scenarios")).scenarios,
  outcomes: () => get<Outcomes>("outcomes"),
  orderOutcomes: (scenario: string, times: number) => send<Outcomes>("POST", "outcomes", { scenario, times }),
  forgetOutcomes: () => send<Outcomes>("DELETE", "outcomes"),
  setDefaultScenario: (scenario: string) => send<Outcomes>("PUT", "default-scenario", { scenario }),
};

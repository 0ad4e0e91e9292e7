// How things are put into words.

import type { Call, Event, Request } from "./api";

export function clockTime(date: string): string {
  const at = new Date(date);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

export function minutes(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** The state of a call now; nobody tells when the time to dial is over. */
export function stateOf(call: Call): Call["state"] {
  return call.state === "created" && Date.parse(call.expiresAt) < Date.now() ? "expired" : call.state;
}

export const STATES: Record<Call["state"], string> = {
  created: "waits for its dial",
  expired: "was not dialled in time",
  dialled: "is in progress",
  ended: "is over",
};

export function lasted(call: Call): string | null {
  if (!call.dialledAt) return null;
  const until = call.endedAt ? Date.parse(call.endedAt) : Date.now();
  return minutes((until - Date.parse(call.dialledAt)) / 1000);
}

export function ending(call: Call): string | null {
  if (!call.ending) return null;
  const { by, reason, closeCode } = call.ending;
  const code = closeCode && !reason.includes(String(closeCode)) ? ` (${closeCode})` : "";
  return `Ended by the ${by}: ${reason || "no reason was told"}${code}.`;
}

export function verdict(request: Request): string {
  if (request.status < 400) return `Accepted with ${request.status}.`;
  const code = request.errorCode ? ` ${request.errorCode}` : "";
  const kind = request.status >= 500 ? "Failed" : "Refused";
  return `${kind} with ${request.status}${code}${request.errorMessage ? `: ${request.errorMessage}` : ""}.`;
}

/** Fields that say the most, and so come first. */
const SAID = new Set(["text", "delta", "message", "name", "toolName", "digit", "state", "result", "error", "reason"]);

/** What an event says, in one line. */
export function content(event: Event, audioMs: (event: Event) => number | null): string {
  if (event.kind === "Audio") {
    const lasts = audioMs(event);
    return `${event.audioBytes ?? 0} B of audio${lasts === null ? "" : `, ${Math.round(lasts * 10) / 10} ms`}`;
  }
  const detail = Object.entries(event.detail ?? {});
  return detail
    .sort(([one], [other]) => Number(SAID.has(other)) - Number(SAID.has(one)))
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("   ");
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A line for a shell that sends a request again. The key is the reader's own. */
export function curl(request: Request, baseUrl: string): string {
  const parts = ["curl", "-s"];
  if (request.method === "HEAD") parts.push("--head");
  else if (request.method !== "GET" && !(request.method === "POST" && request.body !== undefined)) {
    parts.push("-X", quoted(request.method));
  }
  parts.push(quoted(baseUrl + request.path), "-H", `"X-API-Key: $CALLS_API_KEY"`);
  if (request.body !== undefined) {
    parts.push("-H", quoted("Content-Type: application/json"), "-d", quoted(JSON.stringify(request.body)));
  }
  return parts.join(" ");
}

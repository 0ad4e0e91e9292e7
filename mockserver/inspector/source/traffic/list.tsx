// Requests and calls, the newest first.

import { signal } from "@preact/signals";
import type { Call, Request } from "../api";
import { entries, type Entry } from "../journal/journal";
import { Badge, toneOf } from "../parts";
import { goTo, place } from "../place";
import { Rows } from "../rows";
import { clockTime, ending, lasted, milliseconds, stateOf, STATES } from "../words";

const ROW_PX = 52;
/** Where operations are at the service: left out, as there is little room. */
const BASE_PATH = /^\/api\/v1(?=\/)/;
type Kind = "all" | Entry["kind"];
const KINDS: readonly (readonly [Kind, string])[] = [
  ["all", "All"],
  ["request", "Requests"],
  ["call", "Calls"],
];

const words = signal("");
const kind = signal<Kind>("all");

export function List() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = entries.value.filter((entry) => {
    if (kind.value !== "all" && entry.kind !== kind.value) return false;
    const text = textOf(entry);
    return wanted.every((word) => text.includes(word));
  });
  const at = place.value;
  const chosen = "id" in at ? shown.findIndex((entry) => entry.kind === at.view && idOf(entry) === at.id) : -1;
  return (
    <section class="list" aria-label="Requests and calls">
      <div class="filter">
        <input
          type="search"
          aria-label="Filter requests and calls"
          placeholder="Filter: 404, twilio, ended…"
          value={words.value}
          onInput={(event) => {
            words.value = event.currentTarget.value;
          }}
        />
        <div class="choice" role="group" aria-label="Kind">
          {KINDS.map(([name, label]) => (
            <button
              type="button"
              aria-pressed={kind.value === name}
              onClick={() => {
                kind.value = name;
              }}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {shown.length ? (
        <Rows
          label="Requests and calls"
          count={shown.length}
          rowPx={ROW_PX}
          chosen={chosen}
          keyOf={(index) => keyOf(shown[index])}
          onChoose={(index) => {
            const entry = shown[index];
            if (entry) goTo({ view: entry.kind, id: idOf(entry) });
          }}
          row={(index) => {
            const entry = shown[index];
            return entry && <Line entry={entry} />;
          }}
        />
      ) : (
        <p class="nothing">
          {entries.value.length
            ? "Nothing matches the filter."
            : "Nothing yet: create a call, or place one with the phone."}
        </p>
      )}
    </section>
  );
}

function idOf(entry: Entry): string {
  return entry.kind === "call" ? entry.call.id : entry.request.id;
}

function keyOf(entry: Entry | undefined): string {
  if (!entry) return "";
  return entry.kind === "call" ? `call ${entry.call.number}` : `request ${entry.request.number}`;
}

function textOf(entry: Entry): string {
  if (entry.kind === "call") {
    const { id, kind, connectionType, agentId } = entry.call;
    return ["call", id, kind, connectionType, agentId, stateOf(entry.call), ending(entry.call)].join(" ").toLowerCase();
  }
  const { id, method, path, operation, status, errorCode, errorMessage, account } = entry.request;
  return ["request", id, method, path, operation, status, errorCode, errorMessage, account].join(" ").toLowerCase();
}

function Line({ entry }: { entry: Entry }) {
  return entry.kind === "call" ? <CallLine call={entry.call} /> : <RequestLine request={entry.request} />;
}

function RequestLine({ request }: { request: Request }) {
  return (
    <>
      <span class="head">
        <Badge tone={toneOf(request.status)}>{request.status}</Badge>
        <span class="name">
          <b>{request.method}</b> {request.path.replace(BASE_PATH, "")}
        </span>
        <time>{clockTime(request.at)}</time>
      </span>
      <span class="more">
        {request.errorMessage ?? `${request.operation ?? "answered"} in ${milliseconds(request.durationMs)}`}
      </span>
    </>
  );
}

function CallLine({ call }: { call: Call }) {
  const state = stateOf(call);
  return (
    <>
      <span class="head">
        <Badge tone={state === "dialled" ? "live" : "calm"}>call</Badge>
        <span class="name">
          <b>{call.connectionType}</b> {call.agentId ?? "inline"}
        </span>
        <time>{clockTime(call.createdAt)}</time>
      </span>
      <span class="more">{[STATES[state], lasted(call), call.ending?.reason].filter(Boolean).join(" · ")}</span>
    </>
  );
}

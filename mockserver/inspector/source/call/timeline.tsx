// Everything that went over the wire in a call, and what was meant for it.

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Call, Event } from "../api";
import { Rows } from "../rows";
import { content } from "../words";

const ROW_PX = 24;
const BYTES_A_SAMPLE: Record<string, number> = { pcm16: 2, mulaw: 1, alaw: 1 };

/** Kinds that are left out. Audio is a hundred frames a second, and is drawn as a wave already. */
const hidden = signal<ReadonlySet<string>>(new Set(["Audio"]));

interface Props {
  call: Call;
  events: readonly Event[];
  chosen: Event | undefined;
  onChoose: (event: Event) => void;
}

export function Timeline({ call, events, chosen, onChoose }: Props) {
  const counts = useMemo(() => count(events), [events]);
  const shown = useMemo(() => events.filter((event) => !hidden.value.has(event.kind)), [events, hidden.value]);
  const at = chosen ? shown.findIndex((event) => event.index === chosen.index) : -1;
  return (
    <section class="timeline" aria-label="Timeline">
      <div class="kinds" role="group" aria-label="Kinds of messages">
        {counts.map(([kind, number]) => (
          <button type="button" aria-pressed={!hidden.value.has(kind)} onClick={() => toggle(kind)}>
            {kind} <span class="number">{number.toLocaleString("en")}</span>
          </button>
        ))}
        {call.firstEvent > 0 && (
          <span class="faint">the first {call.firstEvent.toLocaleString("en")} are forgotten</span>
        )}
      </div>
      <div class="columns" aria-hidden="true">
        <span>ms</span>
        <span>from</span>
        <span>kind</span>
        <span>bytes</span>
        <span>content</span>
      </div>
      {shown.length ? (
        <Rows
          label="Messages"
          count={shown.length}
          rowPx={ROW_PX}
          chosen={at}
          atEnd={call.state === "dialled"}
          keyOf={(index) => shown[index]?.index ?? index}
          onChoose={(index) => {
            const event = shown[index];
            if (event) onChoose(event);
          }}
          row={(index) => {
            const event = shown[index];
            return event && <Line event={event} call={call} />;
          }}
        />
      ) : (
        <p class="nothing small">
          {events.length ? "Only audio so far: press “Audio” above to see each frame." : "Nothing was said yet."}
        </p>
      )}
      {chosen && <Chosen event={chosen} />}
    </section>
  );
}

function Line({ event, call }: { event: Event; call: Call }) {
  return (
    <span class={`event ${event.side} ${event.kind === "NotAllowed" ? "not-allowed" : ""}`}>
      <span class="number">{event.atMs.toFixed(1)}</span>
      <span class="side">
        <span aria-hidden="true">{event.side === "caller" ? "▲" : "▼"}</span> {event.side}
      </span>
      <span class="kind">{event.kind}</span>
      <span class="number">{event.wireBytes ?? "–"}</span>
      <span class="content">{content(event, (each) => audioMs(each, call))}</span>
    </span>
  );
}

function Chosen({ event }: { event: Event }) {
  const over = event.wireBytes === undefined ? "not on the wire" : `${event.wireBytes} bytes on the wire`;
  return (
    <div class="chosen">
      <p>
        <b>{event.kind}</b> from the {event.side}, {event.atMs.toFixed(3)} ms after the dial, {over}
      </p>
      <pre class="scroll" role="group" tabIndex={0} aria-label="The chosen message">
        {JSON.stringify(event.detail ?? { audioBytes: event.audioBytes }, null, 2)}
      </pre>
    </div>
  );
}

function audioMs(event: Event, call: Call): number | null {
  const format = event.side === "caller" ? call.callerAudio : call.agentAudio;
  if (!format || !event.audioBytes) return null;
  return (event.audioBytes / (BYTES_A_SAMPLE[format.encoding] ?? 1) / format.rateHz) * 1000;
}

function count(events: readonly Event[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one.localeCompare(other));
}

function toggle(kind: string): void {
  const next = new Set(hidden.value);
  if (!next.delete(kind)) next.add(kind);
  hidden.value = next;
}

// One call: how it is, what was said and heard, every message, and what can be done in it.

import { useEffect, useState } from "preact/hooks";
import { api, type Call, type Event } from "../api";
import { calls } from "../journal/journal";
import { Watch } from "../journal/watch";
import { Action, Ask, Badge, Fields } from "../parts";
import { bytes, clockTime, ending, lasted, stateOf, STATES } from "../words";
import { Timeline } from "./timeline";
import { Transcript } from "./transcript";
import { Waveform } from "./waveform";

export function CallView({ id }: { id: string }) {
  const [watch, setWatch] = useState<Watch | null>(null);
  const [chosen, setChosen] = useState<Event | undefined>();
  useEffect(() => {
    const watching = new Watch(id);
    setWatch(watching);
    setChosen(undefined);
    return () => watching.close();
  }, [id]);
  const call = calls.value.get(id);
  if (!call || !watch) return <p class="nothing">This call is not known, or no longer.</p>;
  const events = watch.events.value;
  return (
    <article class="detail call">
      <Head call={call} />
      {call.state === "dialled" && <Live call={call} />}
      <Waveform key={id} call={call} events={events} chosen={chosen} />
      <div class="said-and-sent">
        <section aria-label="What was said">
          <h3>Transcript</h3>
          <Transcript utterances={watch.utterances.value} />
        </section>
        <Timeline call={call} events={events} chosen={chosen} onChoose={setChosen} />
      </div>
    </article>
  );
}

function Head({ call }: { call: Call }) {
  const state = stateOf(call);
  const audio = (format: Call["callerAudio"]) =>
    format && `${format.encoding} ${format.rateHz} Hz, ${bytes(format.keptBytes)}`;
  return (
    <>
      <h2>
        <Badge tone={state === "dialled" ? "live" : "calm"}>{state}</Badge> {call.connectionType} call
        {lasted(call) && <span class="number"> {lasted(call)}</span>}
      </h2>
      <p class="verdict">{ending(call) ?? `This call ${STATES[state]}.`}</p>
      <Fields
        of={[
          ["Created by", call.kind === "create" ? "/calls/create" : "/calls/inline"],
          ["Agent", call.agentId ?? "its own (inline)"],
          ["Created", clockTime(call.createdAt)],
          ["Dialled", call.dialledAt && clockTime(call.dialledAt)],
          ["Ended", call.endedAt && clockTime(call.endedAt)],
          ["Caller's audio", audio(call.callerAudio)],
          ["Agent's audio", audio(call.agentAudio)],
          ["Id", <code>{call.id}</code>],
        ]}
      />
    </>
  );
}

function Live({ call }: { call: Call }) {
  return (
    <section class="in-progress" aria-label="Do something in this call">
      <Action danger does={() => api.hangUp(call.id)}>
        Hang up
      </Action>
      <Ask label="Have the agent say…" button="Say" onSend={(text) => api.speak(call.id, text)} />
      <Ask
        label="Press keys, e.g. 42#"
        button="Press"
        pattern="[0-9*#A-D]{1,100}"
        onSend={(keys) => api.pressDigits(call.id, keys)}
      />
    </section>
  );
}

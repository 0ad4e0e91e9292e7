// One request: what became of it, and why.

import { useEffect, useState } from "preact/hooks";
import { CONTRACT, document as documentAt } from "../address";
import type { Request } from "../api";
import { requests, status } from "../journal/journal";
import { Badge, Copyable, Fields, toneOf } from "../parts";
import { bytes, clockTime, curl, milliseconds, verdict } from "../words";

const AROUND = 4;

export function RequestView({ id }: { id: string }) {
  const request = requests.value.findLast((each) => each.id === id);
  if (!request) return <p class="nothing">This request is not known, or no longer.</p>;
  return (
    <article class="detail">
      <h2>
        <Badge tone={toneOf(request.status)}>{request.status}</Badge> {request.method} {request.path}
      </h2>
      <p class="verdict">{verdict(request)}</p>
      {request.closestRule && <Rule of={request.closestRule} />}
      <Fields
        of={[
          ["Came", clockTime(request.at)],
          ["Took", milliseconds(request.durationMs)],
          ["Operation", request.operation],
          ["Account", request.account],
          ["Body", request.bodyBytes ? bytes(request.bodyBytes) : "none"],
          ["X-Request-Id", <code>{request.id}</code>],
        ]}
      />
      {request.body !== undefined && (
        <>
          <h3>Body</h3>
          <pre class="scroll" role="group" tabIndex={0} aria-label="Body">
            {JSON.stringify(request.body, null, 2)}
          </pre>
        </>
      )}
      <h3>As curl</h3>
      <Copyable label="curl" text={curl(request, status.value?.baseUrl ?? location.origin)} />
    </article>
  );
}

function Rule({ of }: { of: NonNullable<Request["closestRule"]> }) {
  return (
    <section class="rule">
      <h3>The closest rule</h3>
      <Fields
        of={[
          ["Field", <code>{of.field || "the whole body"}</code>],
          ["Rule", of.rule],
          ["Received", <code>{of.received}</code>],
          ["Expected", of.expected && <code>{of.expected}</code>],
        ]}
      />
      {of.line && <Excerpt line={of.line} place={of.place ?? ""} />}
    </section>
  );
}

/** The lines of the document around the rule. */
function Excerpt({ line, place }: { line: number; place: string }) {
  const [text, setText] = useState<readonly string[]>([]);
  const url = documentAt("openapi.yaml").href;
  useEffect(() => {
    let gone = false;
    void fetch(CONTRACT)
      .then((answer) => answer.text())
      .then((whole) => {
        if (!gone) setText(whole.split("\n"));
      })
      .catch(() => {});
    return () => {
      gone = true;
    };
  }, []);
  const first = Math.max(1, line - AROUND);
  return (
    <>
      <p class="source">
        <a href={url}>openapi/calls.yaml</a>, line {line} <code>{place.split("#")[1]}</code>
      </p>
      <pre class="excerpt scroll" role="group" tabIndex={0} aria-label="Lines of the document">
        {text.slice(first - 1, line + AROUND).map((each, at) => (
          <span class={first + at === line ? "this" : ""}>
            <i>{first + at}</i>
            {each || " "}
            {"\n"}
          </span>
        ))}
      </pre>
    </>
  );
}

// What was said, as far as it was.

import { useEffect, useRef } from "preact/hooks";
import type { Utterance } from "../api";
import { minutes } from "../words";

export function Transcript({ utterances, live = false }: { utterances: readonly Utterance[]; live?: boolean }) {
  const box = useRef<HTMLOListElement>(null);
  const said = utterances.map((each) => each.text).join();
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [said]);
  if (!utterances.length) return <p class="nothing small">Nothing was said yet.</p>;
  return (
    <ol
      class="transcript scroll"
      ref={box}
      tabIndex={0}
      aria-label="Transcript"
      aria-live={live ? "polite" : undefined}
    >
      {utterances.map((each) => (
        <li key={each.ordinal} class={each.role === "user" ? "caller" : "agent"}>
          <span class="who">
            {each.role === "user" ? "caller" : "agent"} <time>{minutes(each.atMs / 1000)}</time>
            {each.medium === "text" && " typed"}
          </span>
          <span class="said">
            {each.text}
            {!each.final && (
              <span class="growing" aria-hidden="true">
                …
              </span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

// The inspector: what the mock was asked, what was said in its calls, and a telephone to place some.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import { document as documentAt } from "./address";
import { keepToken } from "./api";
import { CallView } from "./call/call";
import { follow, link, refusal, status } from "./journal/journal";
import { MockView } from "./mock/mock";
import { loadScenarios } from "./mock/scenarios";
import { Phone } from "./phone/phone";
import { hashOf, place, type Place } from "./place";
import { List } from "./traffic/list";
import { RequestView } from "./traffic/request";

const LINKS = { connecting: "connecting…", live: "live", lost: "the mock does not answer", locked: "locked" };
const VIEWS: readonly (readonly ["list" | "phone" | "mock", string])[] = [
  ["list", "Traffic"],
  ["phone", "Phone"],
  ["mock", "Mock"],
];

function Inspector() {
  useEffect(() => {
    void follow().then(() => {});
    void loadScenarios();
  }, []);
  const at = place.value;
  const locked = link.value === "locked";
  return (
    <div class={`page view-${at.view}`}>
      <header>
        <h1>Calls mock</h1>
        <span class={`link ${link.value}`} role="status">
          {LINKS[link.value]}
        </span>
        {status.value && <code class="address">{status.value.baseUrl}</code>}
        <nav aria-label="Views">
          {VIEWS.map(([view, label]) => (
            <a class={`to-${view}`} href={hashOf({ view })} aria-current={current(at, view) ? "page" : undefined}>
              {label}
            </a>
          ))}
          <a href={documentAt("docs").href}>Docs</a>
        </nav>
      </header>
      {locked ? (
        <Unlock />
      ) : (
        <main>
          <List />
          <section class="shown" aria-label="Details">
            <Shown at={at} />
          </section>
          <Phone />
        </main>
      )}
    </div>
  );
}

function current(at: Place, view: string): boolean {
  return at.view === view || (view === "list" && "id" in at);
}

function Shown({ at }: { at: Place }) {
  switch (at.view) {
    case "call":
      return <CallView key={at.id} id={at.id} />;
    case "request":
      return <RequestView key={at.id} id={at.id} />;
    case "mock":
      return <MockView />;
    default:
      return (
        <div class="welcome">
          <h2>What happens here</h2>
          <p>
            Every request to the mock is in the list, with the rule that it broke if it was refused, and every call with
            what was said and heard in it.
          </p>
          <p>
            Create a call with your own program, or <a href={hashOf({ view: "phone" })}>place one with the phone</a>.
          </p>
        </div>
      );
  }
}

/** Beyond the loopback interface whoever looks has to bring the token. */
function Unlock() {
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    keepToken(String(new FormData(event.currentTarget as HTMLFormElement).get("token")).trim());
    link.value = "connecting";
    void follow();
    void loadScenarios();
  };
  return (
    <main class="unlock">
      <form onSubmit={open}>
        <h2>Control token</h2>
        <p>This mock listens beyond its own machine. It printed its control token when it started.</p>
        <label>
          Token
          <input type="password" name="token" required autocomplete="off" />
        </label>
        <button type="submit" class="main">
          Open
        </button>
        <p class="faint" role="status">
          {refusal.value}
        </p>
      </form>
    </main>
  );
}

const root = document.getElementById("inspector");
if (root) render(<Inspector />, root);

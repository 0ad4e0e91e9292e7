// The mock as a whole: what opens it, what it can be made to do, and how it was started.

import { useEffect, useState } from "preact/hooks";
import { document as documentAt } from "../address";
import { api } from "../api";
import { status } from "../journal/journal";
import { Action, Badge, Fields, toneOf } from "../parts";
import { bytes } from "../words";
import { loadScenarios, next, outcomes, scenarios, type Scenario } from "./scenarios";

const KEYS: readonly (readonly [string, number, string])[] = [
  ["ck_mock_valid", 201, "works"],
  ["ck_mock_no_credit", 402, "the balance is used up"],
  ["ck_mock_rate_limited", 429, "over the rate limit, with Retry-After"],
];
const DOCUMENTS = ["twilio", "telnyx", "plivo", "websocket", "webrtc"];

export function MockView() {
  useEffect(() => { void loadScenarios(); void api.status().then((now) => { status.value = now; }).catch(() => {}); }, []);
  const mock = status.value;
  return (
    <article class="detail">
      <h2>The mock</h2>
      {mock && (
        <Fields
          of={[
            ["Version", mock.version], ["Address", <code>{mock.baseUrl}</code>], ["Calls in progress", mock.callsInProgress],
            ["Remembers", bytes(mock.heldBytes)],
          ]}
        />
      )}
      <Action danger does={api.reset}>Reset: hang up all calls and forget everything</Action>
      <h3>Keys, in the header X-API-Key</h3>
      <div class="scroll">
        <table>
          <thead><tr><th scope="col">Key</th><th scope="col">Status</th><th scope="col">What it shows</th></tr></thead>
          <tbody>
            {KEYS.map(([key, code, words]) => (
              <tr><td><code>{key}</code></td><td><Badge tone={toneOf(code)}>{code}</Badge></td><td>{words}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
      {scenarios.value.length > 0 && <Scenarios />}
      <h3>The contract</h3>
      <p>
        <a href={documentAt("docs").href}>Operations</a>, <a href={documentAt("openapi.yaml").href}>openapi.yaml</a>; the sockets:{" "}
        {DOCUMENTS.map((kind, at) => <>{at > 0 && ", "}<a href={documentAt(`asyncapi/${kind}.yaml`).href}>{kind}</a></>)}
      </p>
      {mock && (
        <details>
          <summary>Options it was started with</summary>
          <Fields of={Object.entries(mock.settings).map(([flag, value]) => [flag, <code>{JSON.stringify(value)}</code>] as const)} />
        </details>
      )}
    </article>
  );
}

function Scenarios() {
  const [times, setTimes] = useState(1);
  const set = async (scenario: string) => { await api.setDefault(scenario || null); };
  return (
    <section aria-label="Scenarios">
      <h3>Scenarios</h3>
      <p class="faint">Create a call with the agent's id, or press “Next” to have the next requests end so, whatever they ask for.</p>
      <div class="settings">
        <label>Next requests<input type="number" min={1} max={1000} value={times} onInput={(event) => setTimes(Number(event.currentTarget.value) || 1)} /></label>
        <Default onSet={set} />
      </div>
      {outcomes.value.length > 0 && (
        <p role="status">Waiting: {outcomes.value.map(({ scenario, times: left }) => `${scenario} × ${left}`).join(", ")}.</p>
      )}
      <div class="scroll">
        <table>
          <thead><tr><th scope="col">Scenario</th><th scope="col">agentId</th><th scope="col">Status</th><th scope="col">What it shows</th><th scope="col">Do it</th></tr></thead>
          <tbody>{scenarios.value.map((each) => <ScenarioRow of={each} times={times} />)}</tbody>
        </table>
      </div>
    </section>
  );
}

function ScenarioRow({ of, times }: { of: Scenario; times: number }) {
  return (
    <tr>
      <td>{of.name}</td>
      <td>{of.agentId && <code>{of.agentId}</code>}</td>
      <td>{of.status && <Badge tone={toneOf(of.status)}>{of.status}</Badge>}</td>
      <td>{of.shows}</td>
      <td><Action does={() => next(of.name, times)}>Next</Action></td>
    </tr>
  );
}

function Default({ onSet }: { onSet: (scenario: string) => Promise<void> }) {
  const [chosen, setChosen] = useState("");
  return (
    <>
      <label>All other requests
        <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
          <option value="">as usual</option>
          {scenarios.value.map((each) => <option>{each.name}</option>)}
        </select>
      </label>
      <Action does={() => onSet(chosen)}>Set</Action>
    </>
  );
}

// The mock as a whole: what opens it, what it can be made to do, and how it was started.

import { useEffect, useState } from "preact/hooks";
import { document as documentAt } from "../address";
import { api, type Scenario } from "../api";
import { requests, status } from "../journal/journal";
import { Action, Badge, Fields, toneOf } from "../parts";
import { bytes } from "../words";
import { forgetOrders, loadScenarios, lookAtOrders, order, outcomes, scenarios, setDefault } from "./scenarios";

const KEYS: readonly (readonly [string, number, string])[] = [
  ["ck_mock_valid", 201, "works"],
  ["ck_mock_no_credit", 402, "the balance is used up"],
  ["ck_mock_rate_limited", 429, "over the rate limit, with Retry-After"],
];
const DOCUMENTS = ["twilio", "telnyx", "plivo", "websocket", "webrtc"];

export function MockView() {
  useEffect(() => {
    void loadScenarios();
    void api
      .status()
      .then((now) => {
        status.value = now;
      })
      .catch(() => {});
  }, []);
  const mock = status.value;
  return (
    <article class="detail">
      <h2>The mock</h2>
      {mock && (
        <Fields
          of={[
            ["Version", mock.version],
            ["Address", <code>{mock.baseUrl}</code>],
            ["Calls in progress", mock.callsInProgress],
            ["Remembers", bytes(mock.heldBytes)],
          ]}
        />
      )}
      <Action danger does={reset}>
        Reset: hang up all calls and forget everything
      </Action>
      <h3>Keys, in the header X-API-Key</h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Status</th>
              <th scope="col">What it shows</th>
            </tr>
          </thead>
          <tbody>
            {KEYS.map(([key, code, words]) => (
              <tr>
                <td>
                  <code>{key}</code>
                </td>
                <td>
                  <Badge tone={toneOf(code)}>{code}</Badge>
                </td>
                <td>{words}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {scenarios.value.length > 0 && <Scenarios />}
      <h3>The contract</h3>
      <p>
        <a href={documentAt("docs").href}>Operations</a>, <a href={documentAt("openapi.yaml").href}>openapi.yaml</a>;
        the sockets:{" "}
        {DOCUMENTS.map((kind, at) => (
          <>
            {at > 0 && ", "}
            <a href={documentAt(`asyncapi/${kind}.yaml`).href}>{kind}</a>
          </>
        ))}
      </p>
      {mock && (
        <details>
          <summary>Options it was started with</summary>
          <Fields
            of={Object.entries(mock.settings).map(
              ([flag, value]) => [flag, <code>{JSON.stringify(value)}</code>] as const,
            )}
          />
        </details>
      )}
    </article>
  );
}

async function reset(): Promise<void> {
  status.value = await api.reset();
  await loadScenarios();
}

function Scenarios() {
  const [times, setTimes] = useState(1);
  // Requests use up what was ordered.
  const answered = requests.value.length;
  useEffect(() => {
    void lookAtOrders().catch(() => {});
  }, [answered]);
  const { default: usual, next } = outcomes.value;
  return (
    <section class="scenarios" aria-label="Scenarios">
      <h3>Scenarios</h3>
      <p class="faint">
        A call with the agent’s id goes so; in an inline call, metadata.mock takes the name. “Next” lets the next
        requests go so that ask for nothing themselves.
      </p>
      <div class="settings">
        <label>
          All other requests
          <select value={usual} onChange={(event) => void setDefault(event.currentTarget.value)}>
            {scenarios.value.map((each) => (
              <option>{each.name}</option>
            ))}
          </select>
        </label>
        <label>
          How many next requests
          <input
            type="number"
            min={1}
            max={1000}
            value={times}
            onInput={(event) => setTimes(Number(event.currentTarget.value) || 1)}
          />
        </label>
      </div>
      {next.length > 0 && (
        <p role="status" class="ordered">
          Ordered: {next.slice(0, 10).join(", ")}
          {next.length > 10 && ` and ${next.length - 10} more`}. <Action does={forgetOrders}>Forget</Action>
        </p>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of scenarios">
        <table>
          <thead>
            <tr>
              <th scope="col">agentId</th>
              <th scope="col">Status</th>
              <th scope="col">What it shows</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {scenarios.value.map((each) => (
              <ScenarioRow key={each.name} of={each} times={times} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ScenarioRow({ of, times }: { of: Scenario; times: number }) {
  return (
    <tr>
      <td>
        <code>{of.agentId}</code>
      </td>
      <td>
        {of.status === null ? "no answer" : <Badge tone={toneOf(of.status)}>{of.status}</Badge>}
      </td>
      <td>{of.shows}</td>
      <td>
        <Action label={`Next: ${of.name}`} does={() => order(of.name, times)}>
          Next
        </Action>
      </td>
    </tr>
  );
}

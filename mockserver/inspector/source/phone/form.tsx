// What a call is to be like, and the button that places it.

import { useState } from "preact/hooks";
import { scenarios } from "../mock/scenarios";
import { goTo, hashOf, wide } from "../place";
import { Conversation, create, Refused } from "./conversation";
import { ready } from "./dial";
import { isClient, KINDS, type Kind } from "./wires";

const EXAMPLE_TOOLS = `[{"temporaryTool": {
  "modelToolName": "openPage",
  "description": "Opens a page.",
  "dynamicParameters": [{"name": "page", "location": "PARAMETER_LOCATION_BODY",
    "schema": {"type": "string"}, "required": true}],
  "client": {}}}]`;

/** What is filled in stays for the next call. */
export function Form({ hidden, onPlaced }: { hidden: boolean; onPlaced: (placed: Conversation) => void }) {
  const [problem, setProblem] = useState<{ words: string; requestId: string | null } | null>(null);
  const [kind, setKind] = useState<Kind>("websocket");
  const [source, setSource] = useState<"microphone" | "file">("microphone");
  const [tools, setTools] = useState("");
  const [busy, setBusy] = useState(false);
  const fromFile = source === "file" || !isClient(kind);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onPlaced(await place(kind, fromFile, new FormData(event.currentTarget as HTMLFormElement)));
    } catch (error) {
      setProblem({ words: wordsOf(error), requestId: error instanceof Refused ? error.requestId : null });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="dial" hidden={hidden} onSubmit={submit}>
      <label>
        Connection type
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
          {KINDS.map((each) => (
            <option>{each}</option>
          ))}
        </select>
      </label>
      <fieldset>
        <legend>You speak with</legend>
        <label class="inline">
          <input
            type="radio"
            name="source"
            checked={!fromFile}
            disabled={!isClient(kind)}
            onChange={() => setSource("microphone")}
          />
          the microphone{!isClient(kind) && " (not as a carrier)"}
        </label>
        <label class="inline">
          <input type="radio" name="source" checked={fromFile} onChange={() => setSource("file")} />a sound file
        </label>
        {fromFile && <input type="file" name="file" accept="audio/*,.wav" aria-label="File to say" />}
      </fieldset>
      <label>
        Greeting
        <input name="greeting" defaultValue="Hello, how can I help you?" />
      </label>
      <div class="pair">
        <label>
          Voice
          <input name="voice" defaultValue="Mark" required />
        </label>
        <label>
          Language
          <input name="language" defaultValue="en" required size={5} />
        </label>
      </div>
      <label>
        API key
        <input name="key" defaultValue="ck_mock_valid" required autocomplete="off" spellcheck={false} />
      </label>
      {scenarios.value.length > 0 && (
        <label>
          Scenario
          <select name="scenario">
            <option value="">none</option>
            {scenarios.value.map((each) => (
              <option>{each.name}</option>
            ))}
          </select>
        </label>
      )}
      <details>
        <summary>Client tools</summary>
        <label>
          selectedTools, as JSON
          <textarea
            name="tools"
            rows={6}
            spellcheck={false}
            value={tools}
            onInput={(event) => setTools(event.currentTarget.value)}
          />
        </label>
        <button type="button" onClick={() => setTools(EXAMPLE_TOOLS)}>
          Fill in an example
        </button>
      </details>
      <button type="submit" class="main" disabled={busy}>
        {busy ? "Calling…" : "Call"}
      </button>
      {problem && (
        <p class="wrong" role="alert">
          {problem.words} {problem.requestId && <a href={hashOf({ view: "request", id: problem.requestId })}>Why?</a>}
        </p>
      )}
    </form>
  );
}

async function place(kind: Kind, fromFile: boolean, form: FormData): Promise<Conversation> {
  const text = (name: string) => String(form.get(name) ?? "");
  const tools = toolsOf(text("tools"));
  const dial = await ready(kind, fromFile ? fileIn(form) : null);
  try {
    const wanted = {
      kind,
      tools,
      key: text("key"),
      greeting: text("greeting"),
      voice: text("voice"),
      language: text("language"),
      scenario: text("scenario"),
    };
    const call = await create(wanted, dial.callerHz);
    const placed = new Conversation(call.id, call.websocketUrl, kind, dial);
    if (wide.matches) goTo({ view: "call", id: call.id });
    return placed;
  } catch (error) {
    dial.voice.close();
    throw error;
  }
}

function fileIn(form: FormData): File {
  const file = form.get("file");
  if (!(file instanceof File) || !file.size) throw new Error("choose a sound file for the caller to say");
  return file;
}

function toolsOf(text: string): unknown[] {
  if (!text.trim()) return [];
  let tools: unknown;
  try {
    tools = JSON.parse(text);
  } catch (error) {
    throw new Error(`the client tools are not JSON: ${wordsOf(error)}`);
  }
  if (!Array.isArray(tools)) throw new Error("the client tools must be a JSON array, as selectedTools");
  return tools;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

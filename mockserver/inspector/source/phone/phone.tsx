// The telephone: places calls, and talks in them.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Transcript } from "../call/transcript";
import { Watch } from "../journal/watch";
import { scenarios } from "../mock/scenarios";
import { Ask } from "../parts";
import { goTo, hashOf, wide } from "../place";
import { minutes } from "../words";
import { callerHz, Conversation, create, Refused, type ToolCall } from "./conversation";
import { microphone, recording } from "./voice";
import { KINDS, type Kind } from "./wires";

const EXAMPLE_TOOLS = `[{"temporaryTool": {
  "modelToolName": "openPage",
  "description": "Opens a page.",
  "dynamicParameters": [{"name": "page", "location": "PARAMETER_LOCATION_BODY",
    "schema": {"type": "string"}, "required": true}],
  "client": {}}}]`;
const KEYPAD = "123456789*0#".split("");

const current = signal<Conversation | null>(null);
const problem = signal<{ words: string; requestId: string | null } | null>(null);

export function Phone() {
  const conversation = current.value;
  return (
    <section class="phone" aria-label="Phone">
      <h2>Phone</h2>
      {conversation && <Talk key={conversation.id} conversation={conversation} />}
      <Form hidden={conversation !== null && conversation.state.value !== "over"} />
    </section>
  );
}

/** What is filled in stays for the next call. */
function Form({ hidden }: { hidden: boolean }) {
  const [kind, setKind] = useState<Kind>("websocket");
  const [source, setSource] = useState<"microphone" | "file">("microphone");
  const [tools, setTools] = useState("");
  const [busy, setBusy] = useState(false);
  const fromFile = source === "file" || kind !== "websocket";
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    problem.value = null;
    try {
      await place(kind, fromFile, new FormData(event.currentTarget as HTMLFormElement));
    } catch (error) {
      problem.value = { words: wordsOf(error), requestId: error instanceof Refused ? error.requestId : null };
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="dial" hidden={hidden} onSubmit={submit}>
      <label>Connection type
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
          {KINDS.map((each) => <option>{each}</option>)}
        </select>
      </label>
      <fieldset>
        <legend>You speak with</legend>
        <label class="inline">
          <input type="radio" name="source" checked={!fromFile} disabled={kind !== "websocket"} onChange={() => setSource("microphone")} />
          the microphone{kind !== "websocket" && " (websocket only)"}
        </label>
        <label class="inline"><input type="radio" name="source" checked={fromFile} onChange={() => setSource("file")} />a sound file</label>
        {fromFile && <input type="file" name="file" accept="audio/*,.wav" aria-label="File to say" />}
      </fieldset>
      <label>Greeting<input name="greeting" defaultValue="Hello, how can I help you?" /></label>
      <div class="pair">
        <label>Voice<input name="voice" defaultValue="Mark" required /></label>
        <label>Language<input name="language" defaultValue="en" required size={5} /></label>
      </div>
      <label>API key<input name="key" defaultValue="ck_mock_valid" required autocomplete="off" spellcheck={false} /></label>
      {scenarios.value.length > 0 && (
        <label>Scenario
          <select name="scenario"><option value="">none</option>{scenarios.value.map((each) => <option>{each.name}</option>)}</select>
        </label>
      )}
      <details>
        <summary>Client tools</summary>
        <label>selectedTools, as JSON
          <textarea name="tools" rows={6} spellcheck={false} value={tools} onInput={(event) => setTools(event.currentTarget.value)} />
        </label>
        <button type="button" onClick={() => setTools(EXAMPLE_TOOLS)}>Fill in an example</button>
      </details>
      <button type="submit" class="main" disabled={busy}>{busy ? "Calling…" : "Call"}</button>
      {problem.value && (
        <p class="wrong" role="alert">
          {problem.value.words}{" "}
          {problem.value.requestId && <a href={hashOf({ view: "request", id: problem.value.requestId })}>Why?</a>}
        </p>
      )}
    </form>
  );
}

async function place(kind: Kind, fromFile: boolean, form: FormData): Promise<void> {
  const text = (name: string) => String(form.get(name) ?? "");
  const tools = toolsOf(text("tools"));
  const voice = fromFile ? await recorded(form.get("file"), kind) : await microphone();
  try {
    const wanted = { kind, tools, ...Object.fromEntries(["key", "greeting", "voice", "language", "scenario"].map((name) => [name, text(name)])) };
    const call = await create(wanted as Parameters<typeof create>[0], voice.rateHz);
    current.value = new Conversation(call.id, call.websocketUrl, kind, voice);
    if (wide.matches) goTo({ view: "call", id: call.id });
  } catch (error) {
    voice.close();
    throw error;
  }
}

async function recorded(file: FormDataEntryValue | null, kind: Kind) {
  if (!(file instanceof File) || !file.size) throw new Error("choose a sound file for the caller to say");
  try {
    return await recording(file, callerHz(kind), kind !== "websocket");
  } catch {
    throw new Error(`${file.name} cannot be read as sound`);
  }
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

function Talk({ conversation }: { conversation: Conversation }) {
  const [watch, setWatch] = useState<Watch | null>(null);
  useEffect(() => {
    const watching = new Watch(conversation.id, false);
    setWatch(watching);
    return () => watching.close();
  }, [conversation.id]);
  const over = conversation.state.value === "over";
  return (
    <div class="talk">
      <p class="state">
        <span role="status">{stateIn(conversation)}</span>
        {!over && <Clock conversation={conversation} />}
      </p>
      {!over && (
        <>
          <Levels conversation={conversation} />
          <div class="buttons">
            <button type="button" class="danger" onClick={() => conversation.hangUp()}>Hang up</button>
            {conversation.sayAgain && <button type="button" onClick={conversation.sayAgain}>Say the file again</button>}
          </div>
        </>
      )}
      {conversation.tools.value.map((tool) => <Tool key={tool.invocationId} tool={tool} conversation={conversation} />)}
      {conversation.faults.value.map((fault) => <p class="wrong" role="alert">{fault}</p>)}
      <Transcript live utterances={watch?.utterances.value ?? []} />
      {!over && (conversation.kind === "websocket"
        ? <Ask label="Type to the agent" button="Send" onSend={(text) => conversation.type(text)} />
        : <Keypad onPress={(digit) => conversation.press(digit)} />)}
      <p><a href={hashOf({ view: "call", id: conversation.id })}>Every message of this call</a></p>
    </div>
  );
}

function stateIn(conversation: Conversation): string {
  switch (conversation.state.value) {
    case "dialling": return "Dialling…";
    case "talking": return `Talking as ${conversation.kind}`;
    case "over": return `Over: ${conversation.ended.value}.`;
  }
}

function Clock({ conversation }: { conversation: Conversation }) {
  // Its levels change ten times a second, and with them the time.
  conversation.levels.value;
  const state = conversation.agentState.value;
  return <span class="faint">, {minutes((Date.now() - conversation.startedAt) / 1000)}{state && `; the agent is ${state}`}</span>;
}

function Levels({ conversation }: { conversation: Conversation }) {
  const { caller, agent } = conversation.levels.value;
  return (
    <div class="levels">
      <label>you<meter class="caller" value={caller} /></label>
      <label>agent<meter class="agent" value={agent} /></label>
    </div>
  );
}

function Tool({ tool, conversation }: { tool: ToolCall; conversation: Conversation }) {
  return (
    <section class="tool" aria-label={`Tool ${tool.name}`}>
      <p>The agent calls <b>{tool.name}</b> and waits for what it returns:</p>
      <pre class="scroll" role="group" tabIndex={0} aria-label="Parameters">{JSON.stringify(tool.parameters, null, 2)}</pre>
      <Ask label="Result" button="Answer" onSend={(result) => conversation.answer(tool.invocationId, { result })} />
      <button type="button" onClick={() => conversation.answer(tool.invocationId, { error: "the tool could not do it" })}>Fail</button>
    </section>
  );
}

function Keypad({ onPress }: { onPress: (digit: string) => void }) {
  return (
    <div class="keypad" role="group" aria-label="Keys">
      {KEYPAD.map((digit) => <button type="button" onClick={() => onPress(digit)}>{digit}</button>)}
    </div>
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

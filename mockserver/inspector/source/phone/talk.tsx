// A call that is talked in: how it goes, and what can be said in it.

import { useEffect, useState } from "preact/hooks";
import { Transcript } from "../call/transcript";
import { Watch } from "../journal/watch";
import { Ask } from "../parts";
import { hashOf } from "../place";
import { minutes } from "../words";
import type { Conversation, ToolCall } from "./conversation";
import { isClient } from "./wires";

const KEYS = "123456789*0#".split("");

export function Talk({ conversation }: { conversation: Conversation }) {
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
            <button type="button" class="danger" onClick={() => conversation.hangUp()}>
              Hang up
            </button>
            {conversation.sayAgain && (
              <button type="button" onClick={conversation.sayAgain}>
                Say the file again
              </button>
            )}
          </div>
        </>
      )}
      {conversation.tools.value.map((tool) => (
        <Tool key={tool.invocationId} tool={tool} conversation={conversation} />
      ))}
      {conversation.faults.value.map((fault) => (
        <p class="wrong" role="alert">
          {fault}
        </p>
      ))}
      <Transcript live utterances={watch?.utterances.value ?? []} />
      {!over &&
        (isClient(conversation.kind) ? (
          <Ask label="Type to the agent" button="Send" onSend={(text) => conversation.type(text)} />
        ) : (
          <Keypad onPress={(digit) => conversation.press(digit)} />
        ))}
      <p>
        <a href={hashOf({ view: "call", id: conversation.id })}>Every message of this call</a>
      </p>
    </div>
  );
}

function stateIn(conversation: Conversation): string {
  switch (conversation.state.value) {
    case "dialling":
      return "Dialling…";
    case "talking":
      return `Talking as ${conversation.kind}`;
    case "over":
      return `Over: ${conversation.ended.value}.`;
  }
}

function Clock({ conversation }: { conversation: Conversation }) {
  // Its levels change ten times a second, and with them the time.
  conversation.levels.value;
  const state = conversation.agentState.value;
  return (
    <span class="faint">
      , {minutes((Date.now() - conversation.startedAt) / 1000)}
      {state && `; the agent is ${state}`}
    </span>
  );
}

function Levels({ conversation }: { conversation: Conversation }) {
  const { caller, agent } = conversation.levels.value;
  return (
    <div class="levels">
      <label>
        you
        <meter class="caller" value={caller} />
      </label>
      <label>
        agent
        <meter class="agent" value={agent} />
      </label>
    </div>
  );
}

function Tool({ tool, conversation }: { tool: ToolCall; conversation: Conversation }) {
  return (
    <section class="tool" aria-label={`Tool ${tool.name}`}>
      <p>
        The agent calls <b>{tool.name}</b> and waits for what it returns:
      </p>
      <pre class="scroll" role="group" tabIndex={0} aria-label="Parameters">
        {JSON.stringify(tool.parameters, null, 2)}
      </pre>
      <Ask label="Result" button="Answer" onSend={(result) => conversation.answer(tool.invocationId, { result })} />
      <button
        type="button"
        onClick={() => conversation.answer(tool.invocationId, { error: "the tool could not do it" })}
      >
        Fail
      </button>
    </section>
  );
}

function Keypad({ onPress }: { onPress: (digit: string) => void }) {
  return (
    <div class="keypad" role="group" aria-label="Keys">
      {KEYS.map((digit) => (
        <button type="button" onClick={() => onPress(digit)}>
          {digit}
        </button>
      ))}
    </div>
  );
}

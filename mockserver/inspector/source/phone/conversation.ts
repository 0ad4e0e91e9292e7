// One call that this page has placed, from the request that creates it to its end.

import { signal } from "@preact/signals";
import { operation } from "../address";
import type { Ready } from "./dial";
import type { Line } from "./line";
import { CLIENT_HZ } from "./sound";
import type { Voice } from "./voice";
import { type Heard, type Kind, wireOf, type Wire } from "./wires";

/** How long the agent may take to begin, and how long it is silent when it is over. */
const BEGINS_WITHIN_MS = 2000;
const OVER_AFTER_MS = 600;
const SHOWN_EVERY_MS = 100;
/** Some scenarios never answer. */
const ANSWERED_WITHIN_MS = 30_000;

export interface Wanted {
  kind: Kind;
  key: string;
  greeting: string;
  voice: string;
  language: string;
  tools: unknown[];
  scenario: string;
}

export interface ToolCall {
  invocationId: string;
  name: string;
  parameters: unknown;
}

/** A call that was refused; `requestId` is the request's, to look it up. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly requestId: string | null,
  ) {
    super(message);
  }
}

/** Create a call. Raises Refused. */
export async function create(wanted: Wanted, callerHz: number): Promise<{ id: string; websocketUrl: string }> {
  const body = {
    systemPrompt: "Placed with the inspector's phone.",
    voice: wanted.voice,
    language: wanted.language,
    greeting: wanted.greeting,
    connectionType: wanted.kind,
    ...(wanted.kind === "websocket" && { websocket: { inputSampleRate: callerHz, outputSampleRate: CLIENT_HZ } }),
    ...(wanted.tools.length && { selectedTools: wanted.tools }),
    ...(wanted.scenario && { metadata: { mock: wanted.scenario } }),
  };
  const response = await fetch(operation("inline"), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-API-Key": wanted.key },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  });
  const answer = await response.json().catch(() => null);
  if (response.status !== 201 || !answer) {
    throw new Refused(
      `${response.status}: ${answer?.error?.message ?? "no answer that can be read"}`,
      response.headers.get("X-Request-Id"),
    );
  }
  return answer;
}

export class Conversation {
  readonly state = signal<"dialling" | "talking" | "over">("dialling");
  readonly ended = signal("");
  readonly agentState = signal("");
  readonly tools = signal<readonly ToolCall[]>([]);
  readonly faults = signal<readonly string[]>([]);
  readonly levels = signal({ caller: 0, agent: 0 });
  readonly startedAt = Date.now();
  private readonly wire: Wire;
  private readonly line: Line;
  private readonly voice: Voice;
  private readonly shows: ReturnType<typeof setInterval>;
  private lastAgentAt = 0;
  private openedAt = 0;
  private prompted = false;

  constructor(
    readonly id: string,
    websocketUrl: string,
    kind: Kind,
    { voice, open }: Ready,
  ) {
    this.wire = wireOf(kind);
    this.voice = voice;
    this.line = open(websocketUrl, this.wire, {
      opened: () => this.opened(),
      told: (heard) => this.told(heard),
      over: (why) => this.over(why),
    });
    this.shows = setInterval(() => this.show(), SHOWN_EVERY_MS);
  }

  get kind(): Kind {
    return this.wire.kind;
  }

  /** Say the file from its beginning; null where the voice is a microphone's. */
  get sayAgain(): (() => void) | null {
    return this.voice.say;
  }

  type(text: string): void {
    this.line.send(this.wire.text(text));
  }

  press(digit: string): void {
    this.line.send(this.wire.digit(digit));
  }

  answer(invocationId: string, answer: { result: string } | { error: string }): void {
    this.line.send(this.wire.toolResult(invocationId, answer));
    this.tools.value = this.tools.value.filter((tool) => tool.invocationId !== invocationId);
  }

  hangUp(): void {
    this.line.send(this.wire.stop());
    this.ended.value = "you hung up";
    this.line.close();
  }

  private opened(): void {
    this.state.value = "talking";
    this.openedAt = Date.now();
  }

  private told(heard: Heard): void {
    switch (heard.kind) {
      case "tool":
        this.tools.value = [...this.tools.value, heard];
        return;
      case "state":
        this.agentState.value = heard.state;
        return;
      case "fault":
        this.faults.value = [...this.faults.value, heard.message];
    }
  }

  private show(): void {
    const levels = this.line.levels();
    this.levels.value = levels;
    if (levels.agent > 0.1) this.lastAgentAt = Date.now();
    if (!this.prompted && this.agentIsDone()) {
      this.prompted = true;
      this.voice.say?.();
    }
  }

  /** Whether the agent has said what it wanted to at first, or does not want to. */
  private agentIsDone(): boolean {
    const now = Date.now();
    if (this.lastAgentAt) return this.line.quiet() && now > this.lastAgentAt + OVER_AFTER_MS;
    return this.openedAt > 0 && now > this.openedAt + BEGINS_WITHIN_MS;
  }

  private over(why: string): void {
    clearInterval(this.shows);
    this.voice.close();
    this.ended.value ||= why;
    this.levels.value = { caller: 0, agent: 0 };
    this.tools.value = [];
    this.state.value = "over";
  }
}

import type { Transcript as Piece } from "../../clients/typescript/websocket.js";

const SPEAKERS = { agent: "Agent", user: "You" };

/** Shows what was said, in the order of the conversation, while it is being said. */
export class Transcript {
  readonly #lines = new Map<number, HTMLElement>();

  constructor(private readonly list: HTMLElement) {}

  clear(): void {
    this.#lines.clear();
    this.list.replaceChildren();
  }

  /** Adds one piece: `text` replaces what the utterance had so far, `delta` is appended. */
  add(piece: Piece): void {
    const words = this.#lines.get(piece.ordinal) ?? this.#newLine(piece);
    words.textContent = piece.text ?? words.textContent + piece.delta;
    this.list.scrollTop = this.list.scrollHeight;
  }

  #newLine({ ordinal, role, medium }: Piece): HTMLElement {
    const line = document.createElement("li");
    line.className = role;
    const speaker = document.createElement("b");
    speaker.textContent = role === "user" && medium === "text" ? "You (typed)" : SPEAKERS[role];
    const words = document.createElement("span");
    line.append(speaker, words);
    // Ordinals say the order; a reply may arrive before the caller's words that it answers.
    const later = [...this.#lines].filter(([other]) => other > ordinal).sort(([a], [b]) => a - b)[0];
    this.list.insertBefore(line, later?.[1].parentElement ?? null);
    this.#lines.set(ordinal, words);
    return words;
  }
}

// The telephone: a form that places calls, and the call that it has placed.

import { signal } from "@preact/signals";
import type { Conversation } from "./conversation";
import { Form } from "./form";
import { Talk } from "./talk";

const current = signal<Conversation | null>(null);

export function Phone() {
  const conversation = current.value;
  return (
    <section class="phone" aria-label="Phone">
      <h2>Phone</h2>
      {conversation && <Talk key={conversation.id} conversation={conversation} />}
      <Form
        hidden={conversation !== null && conversation.state.value !== "over"}
        onPlaced={(placed) => {
          current.value = placed;
        }}
      />
    </section>
  );
}

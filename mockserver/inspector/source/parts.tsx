// Small parts of which every view is made.

import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";

export function Badge({
  tone,
  children,
}: {
  tone: "good" | "warn" | "bad" | "live" | "calm";
  children: ComponentChildren;
}) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function toneOf(status: number): "good" | "warn" | "bad" | "calm" {
  return status >= 500 ? "bad" : status >= 400 ? "warn" : status >= 200 && status < 300 ? "good" : "calm";
}

/** A button that says what became of it. */
export function Action({
  does,
  children,
  danger = false,
  label,
}: {
  does: () => Promise<unknown>;
  children: ComponentChildren;
  danger?: boolean;
  label?: string;
}) {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await does();
      setWrong("");
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="action">
      <button type="button" class={danger ? "danger" : ""} aria-label={label} disabled={busy} onClick={act}>
        {children}
      </button>
      {wrong && (
        <span class="wrong" role="alert">
          {wrong}
        </span>
      )}
    </span>
  );
}

/** One line to be filled in, with a button; emptied when it was taken. */
export function Ask({
  label,
  button,
  pattern,
  onSend,
}: {
  label: string;
  button: string;
  pattern?: string;
  onSend: (text: string) => Promise<unknown> | void;
}) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    try {
      await onSend(text.trim());
      setText("");
      setWrong("");
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form class="ask" onSubmit={send}>
      <input
        type="text"
        aria-label={label}
        placeholder={label}
        value={text}
        pattern={pattern}
        autocomplete="off"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">{button}</button>
      {wrong && (
        <span class="wrong" role="alert">
          {wrong}
        </span>
      )}
    </form>
  );
}

/** A text to be copied. */
export function Copyable({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState("");
  const copy = async (event: MouseEvent) => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("Copied");
    } catch {
      // Pages that came over plain HTTP from elsewhere may not write to the clipboard.
      const shown = (event.target as HTMLElement).closest(".copyable")?.querySelector("pre");
      if (shown) getSelection()?.selectAllChildren(shown);
      setCopied("Selected: press Ctrl+C");
    }
  };
  return (
    <div class="copyable">
      <pre class="scroll" role="group" tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <button type="button" onClick={copy}>
        Copy
      </button>
      <output>{copied}</output>
    </div>
  );
}

export function Fields({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="fields">
      {of.map(
        ([name, value]) =>
          value !== null &&
          value !== undefined &&
          value !== "" && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

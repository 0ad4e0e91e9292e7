// One call that is looked at: its events and its transcript, which grow.

import { effect, signal } from "@preact/signals";
import { api, type Event, type Utterance } from "../api";
import { callChanges, calls } from "./journal";

export class Watch {
  readonly events = signal<readonly Event[]>([]);
  readonly utterances = signal<readonly Utterance[]>([]);
  private changed = -1;
  private loading = false;
  private readonly stop: () => void;

  /** `withEvents` is false where only what was said is of interest. */
  constructor(
    readonly callId: string,
    private readonly withEvents = true,
  ) {
    this.stop = effect(() => {
      const change = callChanges.value.get(callId) ?? 0;
      if (change !== this.changed) {
        this.changed = change;
        void this.load();
      }
    });
  }

  close(): void {
    this.stop();
  }

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      let loaded;
      do {
        loaded = this.changed;
        this.utterances.value = await api.transcript(this.callId);
        if (this.withEvents) await this.loadEvents();
      } while (loaded !== this.changed);
    } catch {
      // A call that was forgotten has nothing more to show; if the mock is gone, the page says so.
    } finally {
      this.loading = false;
    }
  }

  private async loadEvents(): Promise<void> {
    const all = [...this.events.value];
    const count = calls.value.get(this.callId)?.events ?? 0;
    for (;;) {
      const last = all.at(-1)?.index ?? -1;
      const more = last + 1 < count ? await api.events(this.callId, last) : [];
      if (!more.length) break;
      all.push(...more);
    }
    if (all.length > this.events.value.length) this.events.value = all;
  }
}

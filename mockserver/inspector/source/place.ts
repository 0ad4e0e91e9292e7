// Which part of the page is looked at: the hash of its address, so that it can be linked and gone back from.

import { signal } from "@preact/signals";

export type Place = { view: "list" | "phone" | "mock" } | { view: "request" | "call"; id: string };

export function hashOf(place: Place): string {
  return "id" in place ? `#${place.view}/${encodeURIComponent(place.id)}` : `#${place.view}`;
}

function read(): Place {
  const [view, id] = location.hash.slice(1).split("/");
  if ((view === "request" || view === "call") && id) return { view, id: decodeURIComponent(id) };
  if (view === "phone" || view === "mock") return { view };
  return { view: "list" };
}

export const place = signal<Place>(read());

addEventListener("hashchange", () => {
  place.value = read();
});

export function goTo(next: Place): void {
  location.hash = hashOf(next);
}

/** Whether the telephone stands beside what is looked at. */
export const wide = matchMedia("(min-width: 1180px)");

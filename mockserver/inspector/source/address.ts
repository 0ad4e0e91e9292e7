// Where things are. All of it is relative to the page, which may stand behind a proxy, under a path of its own.

const page = new URL(".", location.href);

export const API = new URL("__mock__/api/", page);

/** The document of the operations, where a look at it leaves no trace among the requests. */
export const CONTRACT = new URL("__mock__/contract.yaml", page);

export const BASE = new URL("api/v1", page);

export function operation(name: "create" | "inline"): URL {
  return new URL(`${BASE}/calls/${name}`);
}

export function document(path: string): URL {
  return new URL(path, page);
}

/** A file that the page loads only where it is needed. */
export function built(name: string): URL {
  return new URL(`../page/${name}`, API);
}

/** A websocketUrl as this page reaches it: the mock may know itself under another name than the page does. */
export function socket(websocketUrl: string): URL {
  const token = new URL(websocketUrl).pathname.split("/").pop() ?? "";
  return overSocket(new URL(`media/${token}`, page));
}

/** A room of the mock's as this page reaches it. Raises where the room is another server's: this page's policy. */
export function room(roomUrl: string, websocketUrl: string): URL {
  const { host } = new URL(roomUrl);
  if (host !== new URL(websocketUrl).host) throw new Error(`it is at ${host}, and this page may reach the mock alone`);
  return overSocket(page);
}

function overSocket(address: URL): URL {
  const url = new URL(address);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

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

/** A websocketUrl as this page reaches it: the mock may know itself under another name than the page does. */
export function socket(websocketUrl: string): URL {
  const token = new URL(websocketUrl).pathname.split("/").pop() ?? "";
  const url = new URL(`media/${token}`, page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

// The contract's operations, drawn by RapiDoc, which is kept beside this page (vendor/).

import { BASE, CONTRACT, document as documentAt } from "./address";

const SOCKETS = ["twilio", "telnyx", "plivo", "websocket", "webrtc"];

const dark = matchMedia("(prefers-color-scheme: dark)");
const shown = document.createElement("rapi-doc");
const settings: Record<string, string> = {
  "spec-url": CONTRACT.href,
  "server-url": BASE.href,
  "render-style": "read",
  "load-fonts": "false",
  "regular-font": "system-ui, sans-serif",
  "mono-font": "ui-monospace, monospace",
  "show-header": "false",
  "allow-spec-file-load": "false",
  "allow-spec-url-load": "false",
  "allow-server-selection": "false",
  "schema-description-expanded": "true",
  "use-path-in-nav-bar": "true",
  "sort-endpoints-by": "none",
};
for (const [name, value] of Object.entries(settings)) shown.setAttribute(name, value);
const colour = () => shown.setAttribute("theme", dark.matches ? "dark" : "light");
colour();
dark.addEventListener("change", colour);

const sockets = document.createElement("p");
sockets.append("What is said on the sockets: ");
for (const kind of SOCKETS) {
  const link = Object.assign(document.createElement("a"), {
    href: documentAt(`asyncapi/${kind}.yaml`).href,
    textContent: kind,
  });
  sockets.append(link, " ");
}
document.getElementById("sockets")?.replaceWith(sockets);
document.getElementById("docs")?.append(shown);

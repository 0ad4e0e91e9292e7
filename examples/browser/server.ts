// The backend: serves the page and creates its calls, with the API key, which never leaves this process.
//
// Usage: CALLS_API_KEY=... node build/server.js
// Further settings, all from the environment: CALLS_URL, the API (the mock on this machine); MEDIA_ORIGIN, where its
// sockets are, if not on the API's host; PORT, this server's (8090).

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";
import type { CreatedCall, CreateInlineCallRequest } from "../../clients/typescript/calls.js";

const { CALLS_API_KEY: apiKey, CALLS_URL: api = "http://127.0.0.1:8080/api/v1", PORT: port = "8090" } = process.env;
const mediaOrigin = process.env["MEDIA_ORIGIN"] ?? new URL(api).origin.replace(/^http/, "ws");
const API_PATIENCE_MS = 10_000;

const CALL: CreateInlineCallRequest = {
  systemPrompt: "You are a friendly voice on a web page. Keep it short.",
  voice: "Mark",
  language: "en",
  greeting: "Hello! Say something.",
  maxDuration: 600,
  connectionType: "websocket",
  websocket: { inputSampleRate: 16_000, outputSampleRate: 16_000, codec: "pcm" },
};

const FILES = new Map(
  [
    ["/", "../index.html", "text/html; charset=utf-8"],
    ["/style.css", "../style.css", "text/css; charset=utf-8"],
    ...["page", "call", "sound", "playback", "transcript", "worklets"].map((name) => [
      `/${name}.js`,
      `${name}.js`,
      "text/javascript; charset=utf-8",
    ]),
  ].map(([path, file, type]) => [path!, { url: new URL(file!, import.meta.url), type: type! }]),
);

const HEADERS = {
  "Content-Security-Policy":
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${mediaOrigin}; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Permissions-Policy": "microphone=(self)",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/** Creates a call; what the API refuses, and why, is for the one who runs this server. */
async function createCall(): Promise<CreatedCall> {
  const answer = await fetch(`${api}/calls/inline`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-API-Key": apiKey! },
    body: JSON.stringify(CALL),
    signal: AbortSignal.timeout(API_PATIENCE_MS),
  });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as CreatedCall;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = FILES.get(request.url ?? "");
  if (file && request.method === "GET") {
    response.writeHead(200, { ...HEADERS, "Content-Type": file.type }).end(await readFile(file.url));
  } else if (request.url === "/call" && request.method === "POST") {
    // Calls cost money: other sites' pages may not create them. Who of your users may is for you to check, here.
    if (request.headers["sec-fetch-site"] !== "same-origin") return reply(response, 403, { error: "not from this page" });
    try {
      const { websocketUrl } = await createCall();
      reply(response, 201, { websocketUrl });
    } catch (error) {
      console.error(`no call was created by ${api}:`, error instanceof Error ? error.message : error);
      reply(response, 502, { error: "No call could be created. Please try again later." });
    }
  } else {
    reply(response, 404, { error: "there is nothing here" });
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": "application/json" }).end(JSON.stringify(body));
}

if (!apiKey) {
  console.error("CALLS_API_KEY is not set: give the API key in the environment (the mock's is ck_mock_valid)");
  process.exit(2);
}
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.on("error", (error) => {
  console.error(`cannot listen on 127.0.0.1:${port}: ${error.message}`);
  process.exit(2);
});
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === "object" && address ? address.port : port}`);
});

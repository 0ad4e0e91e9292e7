// Reads AsyncAPI documents with AsyncAPI's own parser, which also holds them against AsyncAPI's JSON Schema.
// Usage: node lint/asyncapi.mjs FILE...   Exit code 1: an error or a warning was found.

import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const SEVERITIES = ["error", "warning", "information", "hint"];
const WARNING = SEVERITIES.indexOf("warning");

const parser = new Parser();
let failed = false;
for (const file of process.argv.slice(2)) {
  const { diagnostics } = await parser.parse(await readFile(file, "utf8"), { source: file });
  for (const { severity, range, code, message } of diagnostics) {
    console.log(`${file}:${range.start.line + 1}: ${SEVERITIES[severity]}: ${code}: ${message}`);
    failed ||= severity <= WARNING;
  }
}
process.exit(failed ? 1 : 0);

// The scenarios that the mock can play, and what was asked for next; there is nothing of it where the mock has none.

import { signal } from "@preact/signals";
import { api } from "../api";

export interface Scenario {
  name: string;
  agentId?: string | null;
  status?: number | null;
  operations?: string[];
  shows?: string;
}

export interface Outcome {
  scenario: string;
  times: number;
}

export const scenarios = signal<readonly Scenario[]>([]);
export const outcomes = signal<readonly Outcome[]>([]);

export async function loadScenarios(): Promise<void> {
  try {
    scenarios.value = listIn(await api.scenarios(), "scenarios");
    await loadOutcomes();
  } catch {
    scenarios.value = [];
  }
}

export async function loadOutcomes(): Promise<void> {
  outcomes.value = listIn(await api.outcomes(), "outcomes");
}

export async function next(scenario: string, times: number): Promise<void> {
  await api.addOutcome(scenario, times);
  await loadOutcomes();
}

function listIn<T>(answer: unknown, name: string): T[] {
  const list = Array.isArray(answer) ? answer : (answer as Record<string, unknown> | null)?.[name];
  return Array.isArray(list) ? list : [];
}

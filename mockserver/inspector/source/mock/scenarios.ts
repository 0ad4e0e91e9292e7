// The scenarios that the mock can play, and what was ordered.

import { signal } from "@preact/signals";
import { api, type Outcomes, type Scenario } from "../api";

/** Empty where the mock has none. */
export const scenarios = signal<readonly Scenario[]>([]);
export const outcomes = signal<Outcomes>({ default: "", next: [] });

export async function loadScenarios(): Promise<void> {
  try {
    scenarios.value = await api.scenarios();
    outcomes.value = await api.outcomes();
  } catch {
    scenarios.value = [];
  }
}

export async function order(scenario: string, times: number): Promise<void> {
  outcomes.value = await api.orderOutcomes(scenario, times);
}

export async function forgetOrders(): Promise<void> {
  outcomes.value = await api.forgetOutcomes();
}

export async function setDefault(scenario: string): Promise<void> {
  outcomes.value = await api.setDefaultScenario(scenario);
}

/** What was ordered, as far as requests have not got it yet, which nobody tells. */
export async function lookAtOrders(): Promise<void> {
  outcomes.value = await api.outcomes();
}

/** The time by which relative times are written, a step every ten seconds. */
import { signal } from "@preact/signals";

const STEP_MS = 10_000;

export const nowMs = signal(Date.now());

setInterval(() => (nowMs.value = Date.now()), STEP_MS);

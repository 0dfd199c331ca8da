/** Labels while they are being written: rows of a name and a value. A row without a name is not there. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

export interface LabelDraft {
  readonly key: number;
  readonly name: Signal<string>;
  readonly value: Signal<string>;
}

export type LabelsDraft = Signal<readonly LabelDraft[]>;

let lastKey = 0;

export function labelDraft(name = "", value = ""): LabelDraft {
  lastKey += 1;
  return { key: lastKey, name: signal(name), value: signal(value) };
}

export function labelsDraft(from: Readonly<Record<string, string>> = {}): LabelsDraft {
  return signal(Object.entries(from).map(([name, value]) => labelDraft(name, value)));
}

export function labelsBody(draft: LabelsDraft): Record<string, string> {
  const rows = draft.value.map((row) => [row.name.value.trim(), row.value.value.trim()] as const);
  return Object.fromEntries(rows.filter(([name]) => name !== ""));
}

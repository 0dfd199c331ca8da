/** The common limits: calls in a span of time, calls and dollars in a day or month. What it has no field for stays as it is. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { LimitsWire } from "../../../../src/contract/limits.ts";
import type { Failure } from "../api/client.ts";
import { count, duration, money } from "../format.ts";
import { SelectField, TextField, errorOf } from "../ui/field.tsx";

export interface LimitsDraft {
  readonly requests: Signal<string>;
  readonly seconds: Signal<string>;
  readonly budget: Signal<string>;
  readonly budgetWindow: Signal<string>;
  readonly usd: Signal<string>;
  readonly usdWindow: Signal<string>;
  readonly kept: LimitsWire;
}

const MICROS = 1_000_000;

export function limitsDraft(from: LimitsWire = {}): LimitsDraft {
  const [rate, ...rates] = from.rate ?? [];
  const requests = from.budgets?.find((each) => each.unit === "requests");
  const usd = from.budgets?.find((each) => each.unit === "usd_micros");
  return {
    requests: signal(rate === undefined ? "" : String(rate.requests)),
    seconds: signal(String(rate?.per_seconds ?? 60)),
    budget: signal(requests === undefined ? "" : String(requests.limit)),
    budgetWindow: signal(requests?.window ?? "month"),
    usd: signal(usd === undefined ? "" : String(usd.limit / MICROS)),
    usdWindow: signal(usd?.window ?? "month"),
    kept: {
      rate: rates,
      budgets: (from.budgets ?? []).filter((each) => each !== requests && each !== usd),
      ...(from.per_customer === undefined ? {} : { per_customer: from.per_customer }),
    },
  };
}

export function limitsBody(draft: LimitsDraft): LimitsWire {
  const window = (value: string): "day" | "month" => (value === "day" ? "day" : "month");
  return {
    ...draft.kept,
    rate: [
      ...(draft.requests.value === ""
        ? []
        : [{ requests: Number(draft.requests.value), per_seconds: Number(draft.seconds.value) }]),
      ...(draft.kept.rate ?? []),
    ],
    budgets: [
      ...(draft.budget.value === ""
        ? []
        : [{ unit: "requests" as const, limit: Number(draft.budget.value), window: window(draft.budgetWindow.value) }]),
      ...(draft.usd.value === ""
        ? []
        : [
            {
              unit: "usd_micros" as const,
              limit: Math.round(Number(draft.usd.value) * MICROS),
              window: window(draft.usdWindow.value),
            },
          ]),
      ...(draft.kept.budgets ?? []),
    ],
  };
}

const SPANS = [1, 10, 60, 3_600, 86_400];
const WINDOWS = [
  { value: "day", label: "a day" },
  { value: "month", label: "a month" },
];

export function LimitsForm({ draft, failure }: { readonly draft: LimitsDraft; readonly failure: Failure | null }) {
  const error = errorOf(failure, "limits");
  const spans = [...new Set([...SPANS, Number(draft.seconds.value)])].toSorted((a, b) => a - b);
  return (
    <div class="stack tight">
      <div class="columns">
        <TextField
          label="Calls"
          name="limits.rate"
          type="number"
          min={1}
          value={draft.requests}
          placeholder="no limit"
          optional
        />
        <SelectField
          label="in"
          name="limits.rate.per"
          value={draft.seconds}
          choices={spans.map((each) => ({ value: String(each), label: duration(each) }))}
        />
      </div>
      <div class="columns">
        <TextField
          label="Calls in all"
          name="limits.budgets"
          type="number"
          min={0}
          value={draft.budget}
          placeholder="no limit"
          optional
        />
        <SelectField label="in" name="limits.budgets.window" value={draft.budgetWindow} choices={WINDOWS} />
      </div>
      <div class="columns">
        <TextField
          label="US dollars"
          name="limits.usd"
          type="number"
          min={0}
          value={draft.usd}
          placeholder="no limit"
          optional
        />
        <SelectField label="in" name="limits.usd.window" value={draft.usdWindow} choices={WINDOWS} />
      </div>
      {error === null ? null : <p class="error">{error}</p>}
    </div>
  );
}

export function LimitsText({ limits }: { readonly limits: LimitsWire }) {
  const parts = limitsWords(limits);
  if (parts.length === 0) return <span class="muted">no limits</span>;
  return (
    <ul class="plain">
      {parts.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  );
}

function limitsWords(limits: LimitsWire): string[] {
  return [
    ...(limits.rate ?? []).map((each) => `${count(each.requests)} calls in ${duration(each.per_seconds)}`),
    ...(limits.budgets ?? []).map(
      (each) => `${each.unit === "requests" ? `${count(each.limit)} calls` : money(each.limit)} a ${each.window}`,
    ),
    ...(limits.per_customer
      ? limitsWords({ rate: limits.per_customer.rate, budgets: limits.per_customer.budgets }).map(
          (each) => `${each}, per customer`,
        )
      : []),
  ];
}

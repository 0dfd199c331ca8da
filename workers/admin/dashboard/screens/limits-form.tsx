/** Limits as a person edits them: a row for each rate and each budget, and, folded away, the same for each customer. */
import type { LimitsWire } from "../../../../src/contract/limits.ts";
import type { Failure } from "../api/client.ts";
import { count, duration, money } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { ListError, SelectField, TextField } from "../ui/field.tsx";
import { MAX_ROWS, budgetDraft, isStated, rateDraft } from "./limits-draft.ts";
import type { BudgetDraft, LimitSetDraft, LimitsDraft, RateDraft } from "./limits-draft.ts";

const SPANS_SECONDS = [1, 10, 60, 3_600, 86_400];
const UNITS = [
  { value: "requests", label: "calls" },
  { value: "usd_micros", label: "US dollars" },
];
const WINDOWS = [
  { value: "day", label: "a day" },
  { value: "month", label: "a month" },
];

interface FormProps {
  readonly failure: Failure | null;
  /** The request's member, by which errors find their rows. */
  readonly name?: string;
}

/** `perCustomer` false: for things that calls of customers are not told apart by. */
export function LimitsForm(props: FormProps & { readonly draft: LimitsDraft; readonly perCustomer?: boolean }) {
  const { draft, name = "limits" } = props;
  const each = draft.perCustomer;
  const stated = each.rates.value.length + each.budgets.value.length;
  return (
    <div class="stack">
      <LimitSet draft={draft} failure={props.failure} name={name} label="" />
      {props.perCustomer === false && stated === 0 ? null : (
        <details open={stated > 0}>
          <summary>For each customer on its own</summary>
          <p class="hint">
            Counted apart for every customer that calls name in X-RelayKey-Customer, over all credentials of a
            connection.
          </p>
          <LimitSet draft={each} failure={props.failure} name={`${name}.per_customer`} label=", per customer" />
        </details>
      )}
    </div>
  );
}

export function LimitSet(props: {
  readonly draft: LimitSetDraft;
  readonly failure: Failure | null;
  readonly name: string;
  readonly label: string;
}) {
  const { draft, failure, name, label } = props;
  const rates = draft.rates.value;
  const budgets = draft.budgets.value;
  const without = <T,>(rows: readonly T[], gone: T): readonly T[] => rows.filter((row) => row !== gone);
  return (
    <div class="stack tight">
      {rates.map((row, i) => (
        <RateRow
          key={row.key}
          row={row}
          name={`${name}.rate[${statedBefore(rates, i)}]`}
          label={`${i + 1}${label}`}
          first={i === 0}
          failure={failure}
          onRemove={() => (draft.rates.value = without(rates, row))}
        />
      ))}
      {budgets.map((row, i) => (
        <BudgetRow
          key={row.key}
          row={row}
          name={`${name}.budgets[${statedBefore(budgets, i)}]`}
          label={`${i + 1}${label}`}
          first={i === 0}
          failure={failure}
          onRemove={() => (draft.budgets.value = without(budgets, row))}
        />
      ))}
      <ListError failure={failure} names={[`${name}.rate`, `${name}.budgets`]} />
      <div class="row">
        {rates.length < MAX_ROWS ? (
          <Button icon="plus" onClick={() => (draft.rates.value = [...rates, rateDraft()])}>
            Add a rate limit
          </Button>
        ) : null}
        {budgets.length < MAX_ROWS ? (
          <Button icon="plus" onClick={() => (draft.budgets.value = [...budgets, budgetDraft()])}>
            Add a budget
          </Button>
        ) : null}
        {rates.length + budgets.length === 0 ? <span class="muted">No limits</span> : null}
      </div>
    </div>
  );
}

interface RowProps {
  readonly name: string;
  /** Tells the row from its neighbours to who cannot see where it stands. */
  readonly label: string;
  /** Only the first row of its kind shows what its fields are called. */
  readonly first: boolean;
  readonly failure: Failure | null;
  readonly onRemove: () => void;
}

function RateRow({ row, name, label, first, failure, onRemove }: RowProps & { readonly row: RateDraft }) {
  const spans = [...new Set([...SPANS_SECONDS, Number(row.seconds.value)])].toSorted((a, b) => a - b);
  return (
    <fieldset class={first ? "limit" : "limit again"}>
      <legend class="sr-only">Rate limit {label}</legend>
      <TextField
        label="Calls at most"
        bare={!first}
        name={`${name}.requests`}
        type="number"
        min={1}
        value={row.requests}
        failure={failure}
        required
      />
      <SelectField
        label="In"
        bare={!first}
        name={`${name}.per_seconds`}
        value={row.seconds}
        failure={failure}
        choices={spans.map((each) => ({ value: String(each), label: duration(each) }))}
      />
      <TextField
        label="At once"
        bare={!first}
        name={`${name}.burst`}
        type="number"
        min={1}
        value={row.burst}
        failure={failure}
        placeholder="as many"
      />
      <Button look="quiet" icon="close" label={`Remove rate limit ${label}`} onClick={onRemove} />
    </fieldset>
  );
}

function BudgetRow({ row, name, label, first, failure, onRemove }: RowProps & { readonly row: BudgetDraft }) {
  const dollars = row.unit.value === "usd_micros";
  return (
    <fieldset class={first ? "limit" : "limit again"}>
      <legend class="sr-only">Budget {label}</legend>
      <TextField
        label="Budget"
        bare={!first}
        name={`${name}.limit`}
        type="number"
        min={0}
        step={dollars ? "any" : 1}
        value={row.amount}
        failure={failure}
        required
      />
      <SelectField label="Of" bare={!first} name={`${name}.unit`} value={row.unit} failure={failure} choices={UNITS} />
      <SelectField
        label="In"
        bare={!first}
        name={`${name}.window`}
        value={row.window}
        failure={failure}
        choices={WINDOWS}
      />
      <Button look="quiet" icon="close" label={`Remove budget ${label}`} onClick={onRemove} />
    </fieldset>
  );
}

/** Where a row stands in the request, which leaves out rows that say nothing. */
function statedBefore(rows: readonly (RateDraft | BudgetDraft)[], index: number): number {
  return rows.slice(0, index).filter(isStated).length;
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

export function limitsWords(limits: LimitsWire): string[] {
  return [
    ...(limits.rate ?? []).map((each) => {
      const burst = each.burst === null || each.burst === undefined ? "" : `, ${count(each.burst)} at once`;
      return `${count(each.requests)} calls in ${duration(each.per_seconds)}${burst}`;
    }),
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

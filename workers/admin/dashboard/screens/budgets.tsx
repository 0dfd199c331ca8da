/** Budgets as they stand, the fullest first: a bar, what is used of what, when it resets and whether it will last. */
import type { BudgetUse } from "../../../../src/contract/budget.ts";
import { nameOf } from "../api/directory.ts";
import type { Resource } from "../api/resource.ts";
import { nowMs } from "../clock.ts";
import { exact, plain } from "../format.ts";
import { Link } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, Failed, FailureNote, Loading } from "../ui/states.tsx";
import { BudgetSpark } from "./budget-spark.tsx";
import { NEARLY_USED_SHARE, outlook, percentText, usedShare, usedText } from "./budget-text.ts";

export interface BudgetsView {
  readonly data: readonly BudgetUse[];
  readonly complete: boolean;
}

export function Budgets(props: {
  readonly resource: Resource<BudgetsView>;
  readonly title?: string;
  /** What is said when there is none. */
  readonly none: string;
  readonly max?: number;
}) {
  const found = props.resource.value.value;
  const failure = props.resource.failure.value;
  return (
    <Section title={props.title ?? "Budgets"} note="As they stand now, the fullest first">
      {found === null ? (
        failure === null ? (
          <Loading rows={3} />
        ) : (
          <Failed failure={failure} retry={() => void props.resource.reload()} />
        )
      ) : found.data.length === 0 ? (
        <Empty icon="payment" title="No budget in use">
          {props.none}
        </Empty>
      ) : (
        <>
          <FailureNote failure={failure} />
          <ul class="bars">
            {found.data.slice(0, props.max).map((budget) => (
              <Budget key={keyOf(budget)} budget={budget} />
            ))}
            {found.complete ? null : (
              <li class="muted">
                {props.max === undefined ? "There are more, or some did not answer." : "Only the fullest are shown."}
              </li>
            )}
          </ul>
        </>
      )}
    </Section>
  );
}

function Budget({ budget }: { readonly budget: BudgetUse }) {
  const share = usedShare(budget);
  const name = `${plain(budget.name)}, ${budget.unit === "requests" ? "calls" : "dollars"} a ${budget.window}`;
  return (
    <li class="budget">
      <span>
        <Link to={budgetLink(budget)}>{nameText(budget)}</Link> <span class="muted">{whatText(budget)}</span>
      </span>
      <BudgetSpark budget={budget} />
      <span class="right">{usedText(budget)}</span>
      <meter
        min={0}
        max={Math.max(budget.limit, 1)}
        low={budget.limit * NEARLY_USED_SHARE}
        high={budget.limit * 0.9999}
        optimum={0}
        value={budget.limit === 0 ? 1 : Math.min(budget.used, budget.limit)}
        aria-label={name}
      />
      <span class="muted" title={`Resets ${exact(Date.parse(budget.resets_at))}`}>
        {outlook(budget, nowMs.value)}
      </span>
      <span class="muted right">{percentText(share)}</span>
    </li>
  );
}

function nameText(budget: BudgetUse): string {
  return budget.of === "customer" ? `Customer ${plain(budget.name)}` : plain(budget.name);
}

function whatText(budget: BudgetUse): string {
  const at = budget.connection_id === null ? "" : plain(nameOf(budget.connection_id));
  const what = `${budget.window === "day" ? "daily" : "monthly"} ${budget.unit === "requests" ? "calls" : "cost"}`;
  switch (budget.of) {
    case "credential":
      return what;
    case "grant":
      return `${what} at ${at}`;
    case "recipient":
      return `${what} in all`;
    case "connection":
      return `${what} of everyone`;
    case "customer":
      return at === "" ? `${what} in all` : `${what} at ${at}`;
  }
}

export function budgetLink(budget: BudgetUse): string {
  switch (budget.of) {
    case "credential":
    case "grant":
      return `/credentials/${budget.credential_id ?? ""}`;
    case "recipient":
      return `/recipients/${budget.recipient_id ?? ""}`;
    case "connection":
      return `/connections/${budget.connection_id ?? ""}`;
    case "customer":
      return `/audit?customer=${encodeURIComponent(budget.customer ?? "")}`;
  }
}

function keyOf(budget: BudgetUse): string {
  const { of, credential_id, recipient_id, connection_id, customer, unit, window, starts_at } = budget;
  return [of, credential_id, recipient_id, connection_id, customer, unit, window, starts_at].join(" ");
}

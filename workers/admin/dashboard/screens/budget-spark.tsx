/** A small line of how a budget filled since its window began; the words beside it say where it stands. */
import type { BudgetUse } from "../../../../src/contract/budget.ts";
import { useResource } from "../api/resource.ts";
import { nowMs } from "../clock.ts";
import { budgetCurve } from "./budget-curve.ts";
import type { UsageView } from "./overview.tsx";

const WIDTH = 100;
const HEIGHT = 24;

export function BudgetSpark({ budget }: { readonly budget: BudgetUse }) {
  const usage = useResource<UsageView>("/usage", {
    interval: budget.window === "day" ? "hour" : "day",
    from: budget.starts_at,
    ...holder(budget),
  });
  const rows = usage.value.value?.data;
  if (rows === undefined) return <span class="spark" aria-hidden="true" />;
  const points = budgetCurve(budget, rows, nowMs.value).map(({ x, y }) => [x * WIDTH, HEIGHT - y * (HEIGHT - 2) - 1]);
  const last = points.at(-1);
  if (last === undefined) return <span class="spark" aria-hidden="true" />;
  const line = points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" L");
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="floor" d={`M0,${HEIGHT - 1} L${WIDTH},${HEIGHT - 1}`} />
      <path class="area" d={`M${line} L${last[0]?.toFixed(1) ?? 0},${HEIGHT} L0,${HEIGHT} Z`} />
      <path class="line" d={`M${line}`} />
    </svg>
  );
}

function holder(budget: BudgetUse): Readonly<Record<string, string | undefined>> {
  const at = budget.connection_id ?? undefined;
  switch (budget.of) {
    case "credential":
      return { credential_id: budget.credential_id ?? undefined };
    case "grant":
      return { credential_id: budget.credential_id ?? undefined, connection_id: at };
    case "recipient":
      return { recipient_id: budget.recipient_id ?? undefined };
    case "connection":
      return { connection_id: at };
    case "customer":
      return { customer: budget.customer ?? undefined, connection_id: at };
  }
}

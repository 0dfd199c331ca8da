/** What a credential or a recipient has used: its budgets as they stand, calls and cost over the last month. */
import { useMemo } from "preact/hooks";
import { useResource } from "../api/resource.ts";
import { Budgets } from "./budgets.tsx";
import type { BudgetsView } from "./budgets.tsx";
import { UseCharts } from "./charts.tsx";
import type { UsageView } from "./overview.tsx";

const DAY_MS = 86_400_000;
const DAYS = 30;

/** `filter`: one of `credential_id`, `recipient_id`, with its value. */
export function Use(props: { readonly filter: Readonly<Record<string, string>> }) {
  const from = useMemo(() => new Date(Math.floor(Date.now() / DAY_MS - DAYS) * DAY_MS).toISOString(), []);
  const budgets = useResource<BudgetsView>("/budgets", props.filter);
  const usage = useResource<UsageView>("/usage", { ...props.filter, interval: "day", from });
  const found = usage.value.value;
  const limited = (budgets.value.value?.data.length ?? 0) > 0 || budgets.failure.value !== null;
  return (
    <>
      {limited ? <Budgets resource={budgets} none="" /> : null}
      {found === null || found.totals.requests === 0 ? null : <UseCharts usage={found} stepMs={DAY_MS} />}
    </>
  );
}

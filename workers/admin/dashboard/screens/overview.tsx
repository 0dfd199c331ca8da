/** What happened lately and what needs attention: figures, charts over time, budgets, refusals, connections' health. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type * as z from "zod";
import type { Usage } from "../../../../src/contract/usage.ts";
import { connections, credentials } from "../api/directory.ts";
import { useResource } from "../api/resource.ts";
import { canEdit, canRead } from "../api/session.ts";
import { compact, count, millis, money, words } from "../format.ts";
import { ButtonLink, Link } from "../ui/button.tsx";
import { SelectField } from "../ui/field.tsx";
import { Figure, Figures } from "../ui/figure.tsx";
import { PageHead, Section } from "../ui/page.tsx";
import { Empty, Failed, Loading } from "../ui/states.tsx";
import { Attention } from "./attention.tsx";
import { Budgets } from "./budgets.tsx";
import type { BudgetsView } from "./budgets.tsx";
import { Charts } from "./charts.tsx";
import { ConnectionHealth } from "./connection-health.tsx";

export type UsageView = z.infer<typeof Usage>;

const HOUR_MS = 3_600_000;
const REFRESH_MS = 60_000;
const MAX_BUDGETS = 6;
const SPANS = [
  { value: "24", label: "Last 24 hours" },
  { value: "168", label: "Last 7 days" },
  { value: "720", label: "Last 30 days" },
];

export function Overview() {
  return canRead.value ? <ReaderOverview /> : <IssuerOverview />;
}

function IssuerOverview() {
  return (
    <>
      <PageHead title="Overview" />
      <Empty
        icon="credential"
        title="You issue credentials here"
        action={
          <ButtonLink to="/credentials" look="primary">
            Open the credentials
          </ButtonLink>
        }
      >
        Your key mints credentials inside its constraints and sees those that it minted.
      </Empty>
    </>
  );
}

function ReaderOverview() {
  const hours = useSignal("24");
  const toMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  const from = new Date(toMs - Number(hours.value) * HOUR_MS).toISOString();
  const interval = hours.value === "720" ? "day" : "hour";
  const overTime = useResource<UsageView>("/usage", { interval, from });
  const byConnection = useResource<UsageView>("/usage", { interval: "total", group_by: "connection", from });
  const budgets = useResource<BudgetsView>("/budgets", { limit: MAX_BUDGETS });
  useEffect(() => void Promise.all([connections.want(true), credentials.want(true)]), []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) void Promise.all([overTime.reload(), byConnection.reload(), budgets.reload()]);
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [overTime, byConnection, budgets]);
  const usage = overTime.value.value;
  const failure = overTime.failure.value;
  if (connections.loaded.value && connections.items.value.length === 0) {
    return (
      <>
        <PageHead title="Overview" />
        <Empty
          icon="key"
          title="Nothing is protected yet"
          action={
            canEdit.value ? (
              <ButtonLink to="/start" look="primary">
                Protect your first key
              </ButtonLink>
            ) : undefined
          }
        >
          Three steps: choose a vendor, paste its key, issue a scoped credential.
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead
        title="Overview"
        actions={<SelectField label="Span" name="span" bare value={hours} choices={SPANS} />}
      />
      {usage === null ? (
        failure === null ? (
          <Loading rows={4} />
        ) : (
          <Failed failure={failure} retry={() => void overTime.reload()} />
        )
      ) : (
        <>
          <Totals usage={usage} />
          <Charts usage={usage} stepMs={interval === "day" ? 24 * HOUR_MS : HOUR_MS} />
        </>
      )}
      <div class="charts">
        <Budgets
          resource={budgets}
          max={MAX_BUDGETS}
          none="Give a credential, a recipient or a connection one, and how full it is shows here."
        />
        <div class="stack">
          <Attention budgets={budgets.value.value?.data ?? []} />
          {usage === null ? null : <Reasons usage={usage} />}
        </div>
      </div>
      <ConnectionHealth usage={byConnection.value.value} />
    </>
  );
}

function Totals({ usage }: { readonly usage: UsageView }) {
  const { totals } = usage;
  const share = totals.requests === 0 ? 0 : totals.refused / totals.requests;
  return (
    <Figures>
      <Figure name="Calls" value={compact(totals.requests)} note={`${count(totals.forwarded)} reached a vendor`} />
      <Figure
        name="Refused"
        value={compact(totals.refused)}
        note={`${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} % of all`}
      />
      <Figure
        name="Latency, median"
        value={totals.latency_ms.p50 === null ? "–" : `≤ ${millis(totals.latency_ms.p50)}`}
        note={totals.latency_ms.p95 === null ? "no calls" : `95 % within ${millis(totals.latency_ms.p95)}`}
      />
      <Figure name="Cost" value={money(totals.cost_usd_micros)} note="by the connections’ prices" />
      <Figure name="Vendor errors" value={compact(totals.upstream_errors)} note={`${count(totals.retries)} retries`} />
    </Figures>
  );
}

const MAX_REASONS = 6;

function Reasons({ usage }: { readonly usage: UsageView }) {
  const shown = usage.reasons.slice(0, MAX_REASONS);
  const most = Math.max(...shown.map((each) => each.count), 1);
  return (
    <Section title="Why calls were refused or failed">
      {shown.length === 0 ? (
        <Empty icon="check" title="None were" />
      ) : (
        <ul class="bars">
          {shown.map((each) => (
            <li key={each.reason}>
              <Link to={`/audit?reason=${encodeURIComponent(each.reason)}`}>{words(each.reason)}</Link>
              <span class="right">{count(each.count)}</span>
              <meter min={0} max={most} value={each.count} aria-label={words(each.reason)} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

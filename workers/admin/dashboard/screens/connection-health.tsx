/** How each connection did in the span that is looked at. */
import { connections } from "../api/directory.ts";
import { compact, millis, money } from "../format.ts";
import { Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Badge, Text } from "../ui/text.tsx";
import { ConnectionStatus } from "./connections.tsx";
import type { UsageView } from "./overview.tsx";

/** From this share of failed calls on, a vendor counts as failing. */
const FAILING_SHARE = 0.1;

export function ConnectionHealth({ usage }: { readonly usage: UsageView | null }) {
  const rows = connections.items.value.map((connection) => ({
    id: connection.id,
    connection,
    sums: usage?.data.find((row) => row.connection_id === connection.id) ?? null,
  }));
  if (rows.length === 0) return null;
  return (
    <Section title="Connections">
      <Table
        label="Connections’ health"
        rows={rows}
        to={(row) => `/connections/${row.id}`}
        columns={[
          { head: "Name", cell: (row) => <Text value={row.connection.name} /> },
          { head: "Status", cell: (row) => <ConnectionStatus connection={row.connection} /> },
          {
            head: "Vendor",
            cell: (row) => <Health forwarded={row.sums?.forwarded ?? 0} errors={row.sums?.upstream_errors ?? 0} />,
          },
          { head: "Calls", right: true, cell: (row) => compact(row.sums?.requests ?? 0) },
          { head: "Refused", right: true, cell: (row) => compact(row.sums?.refused ?? 0) },
          {
            head: "95 % within",
            right: true,
            cell: (row) => latencyText(row.sums?.latency_ms.p95 ?? null),
          },
          { head: "Cost", right: true, cell: (row) => money(row.sums?.cost_usd_micros ?? 0) },
        ]}
      />
    </Section>
  );
}

function Health({ forwarded, errors }: { readonly forwarded: number; readonly errors: number }) {
  if (forwarded === 0) return <span class="muted">no calls</span>;
  if (errors === 0) return <Badge tone="ok">answers</Badge>;
  return <Badge tone={errors / forwarded >= FAILING_SHARE ? "bad" : "warn"}>{`${errors} errors`}</Badge>;
}

function latencyText(ms: number | null): string {
  return ms === null ? "–" : millis(ms);
}

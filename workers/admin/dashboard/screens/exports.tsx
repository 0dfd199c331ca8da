/** Exports of the audit log: asked for here, made in the background, fetched when done. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AuditExport } from "../../../../src/contract/export.ts";
import { post } from "../api/client.ts";
import { connections, credentials, nameOf, recipients } from "../api/directory.ts";
import { useAction, useList } from "../api/resource.ts";
import { bytes, compact, count, plain } from "../format.ts";
import { query } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { SelectField } from "../ui/field.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead, Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Status, Time } from "../ui/text.tsx";

const POLL_MS = 1_500;
const NAMES = [
  "decision",
  "connection_id",
  "credential_id",
  "recipient_id",
  "customer",
  "environment",
  "from",
  "to",
] as const;

export function Exports() {
  const list = useList<AuditExport>("/audit-exports");
  const format = useSignal("ndjson");
  useEffect(() => void Promise.all([connections.want(), credentials.want(), recipients.want()]), []);
  const unfinished = list.value.value?.some((each) => each.state === "pending" || each.state === "running") === true;
  useEffect(() => {
    if (!unfinished) return undefined;
    const timer = setInterval(() => void list.reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [unfinished]);
  const action = useAction(
    () => {
      const filter = Object.fromEntries(
        NAMES.flatMap((name) => (query.value.has(name) ? [[name, query.value.get(name)]] : [])),
      );
      return post<AuditExport>("/audit-exports", { ...filter, format: format.value });
    },
    () => void list.reload(),
  );
  return (
    <>
      <PageHead title="Exports">
        Audit events as one file, with the hash chain that lets anyone check that none is missing or altered.
      </PageHead>
      <Section title="New export">
        <div class="inner">
          <Filters
            fields={[
              { name: "decision", label: "Decision", choices: ["denied", "allowed"] },
              { name: "connection_id", label: "Connection", options: connections.items.value },
              { name: "credential_id", label: "Credential", options: credentials.items.value },
              { name: "recipient_id", label: "Recipient", options: recipients.items.value },
              { name: "customer", label: "Customer" },
              { name: "environment", label: "Environment" },
              { name: "from", label: "From", type: "datetime-local" },
              { name: "to", label: "To", type: "datetime-local" },
            ]}
          />
          <div class="columns">
            <SelectField
              label="Format"
              name="format"
              value={format}
              choices={[
                { value: "ndjson", label: "NDJSON: for the verifier" },
                { value: "csv", label: "CSV: for a spreadsheet" },
                { value: "parquet", label: "Parquet: for a warehouse" },
              ]}
            />
          </div>
          <FailureNote failure={action.failure.value} />
          <div class="row">
            <Button look="primary" icon="export" busy={action.pending.value} onClick={() => action.run()}>
              Start the export
            </Button>
          </div>
        </div>
      </Section>
      <ListView
        label="Exports"
        list={list}
        empty={
          <Empty icon="export" title="No export yet">
            Files stay for a limited time and then go by themselves.
          </Empty>
        }
        columns={[
          { head: "Asked for", cell: (row) => <Time at={row.created_at} /> },
          { head: "State", cell: (row) => <Progress row={row} /> },
          { head: "Filter", cell: (row) => filterText(row) },
          { head: "Format", cell: (row) => row.format },
          { head: "Events", right: true, cell: (row) => count(row.rows) },
          { head: "Size", right: true, cell: (row) => bytes(row.bytes) },
          {
            head: "File",
            cell: (row) =>
              row.download_url === null ? <span class="muted">–</span> : <Download url={row.download_url} />,
          },
        ]}
      />
    </>
  );
}

function Progress({ row }: { readonly row: AuditExport }) {
  if (row.state === "done" || row.state === "failed") return <Status value={row.state} />;
  return (
    <span role="status">
      <progress aria-label="Export" />
      <small>{row.rows === 0 ? "waiting" : `${compact(row.rows)} events so far`}</small>
    </span>
  );
}

/** Only a path of this origin: the cookie goes along, and nothing leads elsewhere. */
function Download({ url }: { readonly url: string }) {
  const target = new URL(url, window.location.origin);
  return (
    <a href={target.pathname + target.search} download>
      Download
    </a>
  );
}

function filterText(row: AuditExport): string {
  const parts = Object.entries(row.filter).map(([, value]) => nameOf(String(value)));
  return parts.length === 0 ? "everything" : plain(parts.join(", "));
}

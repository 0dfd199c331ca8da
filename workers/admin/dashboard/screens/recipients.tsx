/** All recipients: who holds credentials. */
import { useSignal } from "@preact/signals";
import type { Recipient } from "../../../../src/contract/recipient.ts";
import { useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { navigate, query } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";
import { Labels } from "./labels.tsx";
import { RecipientForm } from "./recipient-form.tsx";

const FILTERS = ["status", "kind", "email", "label"] as const;

export function Recipients() {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.value.get(name) ?? undefined]));
  const list = useList<Recipient>("/recipients", filter);
  const filtered = FILTERS.some((name) => filter[name] !== undefined);
  const adding = useSignal(false);
  const add = (
    <Button look="primary" icon="plus" onClick={() => (adding.value = true)}>
      Add a recipient
    </Button>
  );
  return (
    <>
      <PageHead title="Recipients" actions={canEdit.value ? add : undefined}>
        People, agents, services and teams that hold credentials. When one leaves, one step ends all of them.
      </PageHead>
      <Filters
        fields={[
          { name: "status", label: "Status", choices: ["active", "revoked"] },
          { name: "kind", label: "Kind", choices: ["person", "agent", "service", "team", "customer"] },
          { name: "label", label: "Label", hint: "A name, or name:value" },
          { name: "email", label: "Email" },
        ]}
      />
      <ListView
        label="Recipients"
        list={list}
        to={(row) => `/recipients/${row.id}`}
        empty={
          filtered ? (
            <Empty icon="search" title="No recipient fits these filters" />
          ) : (
            <Empty icon="recipient" title="No recipient yet" action={canEdit.value ? add : undefined}>
              A credential may do without one, but confirmation by mail needs somebody to write to.
            </Empty>
          )
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Kind", cell: (row) => row.kind },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Email", cell: (row) => (row.email === null ? <span class="muted">none</span> : plain(row.email)) },
          {
            head: "Environment",
            cell: (row) => (row.environment === null ? <span class="muted">any</span> : plain(row.environment)),
          },
          { head: "Labels", cell: (row) => <Labels labels={row.labels} list="/recipients" /> },
          { head: "Added", cell: (row) => <Time at={row.created_at} /> },
        ]}
      />
      {adding.value ? (
        <RecipientForm
          from={null}
          onDone={(made) => navigate(`/recipients/${made.id}`)}
          onClose={() => (adding.value = false)}
        />
      ) : null}
    </>
  );
}

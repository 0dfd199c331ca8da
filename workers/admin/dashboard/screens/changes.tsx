/** The record of changes: who changed what in the configuration, before and after. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { ControlEvent } from "../../../../src/contract/control-event.ts";
import { useList } from "../api/resource.ts";
import { plain, words } from "../format.ts";
import { query } from "../router.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Filters } from "../ui/filters.tsx";
import { Facts, PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, CodeBlock, Id, Text, Time } from "../ui/text.tsx";

type Change = z.infer<typeof ControlEvent>;
const NAMES = ["actor_id", "action", "target_id", "from", "to"] as const;

export function Changes() {
  const filter = Object.fromEntries(NAMES.map((name) => [name, query.value.get(name) ?? undefined]));
  const list = useList<Change>("/control-events", filter);
  const open = useSignal<Change | null>(null);
  return (
    <>
      <PageHead title="Changes">Every change of the configuration, by whom and from where.</PageHead>
      <Filters
        fields={[
          { name: "actor_id", label: "Actor’s id" },
          { name: "action", label: "Action", hint: "For example createConnection" },
          { name: "target_id", label: "Target’s id" },
          { name: "from", label: "From", type: "datetime-local" },
          { name: "to", label: "To", type: "datetime-local" },
        ]}
      />
      <ListView
        label="Changes"
        list={list}
        empty={<Empty icon="change" title="No change fits" />}
        columns={[
          { head: "What", cell: (row) => <Text value={actionText(row.action)} /> },
          { head: "Target", cell: (row) => <Code value={row.target_id} /> },
          { head: "Who", cell: (row) => <Text value={`${row.actor.name} (${row.actor.role})`} /> },
          {
            head: "From",
            cell: (row) => (row.address === null ? <span class="muted">unknown</span> : <Code value={row.address} />),
          },
          { head: "When", cell: (row) => <Time at={row.at} /> },
          {
            head: "",
            right: true,
            cell: (row) => (
              <Button look="quiet" onClick={() => (open.value = row)}>
                Details
              </Button>
            ),
          },
        ]}
      />
      {open.value === null ? null : <Details change={open.value} onClose={() => (open.value = null)} />}
    </>
  );
}

function Details({ change, onClose }: { readonly change: Change; readonly onClose: () => void }) {
  const names = [...new Set([...Object.keys(change.before ?? {}), ...Object.keys(change.after ?? {})])];
  const differing = names.filter(
    (name) => JSON.stringify(change.before?.[name]) !== JSON.stringify(change.after?.[name]),
  );
  const part = (side: Change["before"]) =>
    JSON.stringify(
      Object.fromEntries(differing.flatMap((name) => (side?.[name] === undefined ? [] : [[name, side[name]]]))),
      null,
      2,
    );
  return (
    <Dialog title={actionText(change.action)} onClose={onClose} wide>
      <Facts
        facts={[
          ["Target", <Id value={change.target_id} />],
          ["Request", <Id value={change.request_id} />],
          ["Actor", <Id value={change.actor.id} />],
        ]}
      />
      <div class="dialog-body">
        {change.before === null ? null : (
          <>
            <h3>Before</h3>
            <CodeBlock text={part(change.before)} what="state before" />
          </>
        )}
        {change.after === null ? null : (
          <>
            <h3>After</h3>
            <CodeBlock text={part(change.after)} what="state after" />
          </>
        )}
      </div>
    </Dialog>
  );
}

/** `createConnection` → `Create connection`. */
function actionText(action: string): string {
  return words(plain(action).replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`));
}

/** All credentials, newest first, with filters in the URL. */
import { useEffect } from "preact/hooks";
import type { Credential } from "../../../../src/contract/credential.ts";
import { connections, nameOf, recipients } from "../api/directory.ts";
import { useList } from "../api/resource.ts";
import { canIssue, canRead } from "../api/session.ts";
import { plain } from "../format.ts";
import { query } from "../router.ts";
import { ButtonLink } from "../ui/button.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import type { Column } from "../ui/table.tsx";
import { Status, Text, Time } from "../ui/text.tsx";
import { Labels } from "./labels.tsx";

const FILTERS = ["status", "kind", "recipient_id", "connection_id", "created_by", "label", "name"] as const;

export const CREDENTIAL_COLUMNS: readonly Column<Credential>[] = [
  {
    head: "Name",
    cell: (row) => (
      <>
        <Text value={row.name} />
        {row.kind === "virtual" ? <small>virtual key</small> : null}
      </>
    ),
  },
  { head: "Status", cell: (row) => <Status value={row.status} /> },
  {
    head: "Recipient",
    cell: (row) => (row.recipient_id === null ? <span class="muted">nobody</span> : plain(nameOf(row.recipient_id))),
  },
  { head: "Reaches", cell: (row) => plain(row.grants.map((grant) => nameOf(grant.connection_id)).join(", ")) },
  { head: "Labels", cell: (row) => <Labels labels={row.labels} list="/credentials" /> },
  { head: "Token", cell: (row) => <code>…{plain(row.token_last4)}</code> },
  { head: "Expires", cell: (row) => <Time at={row.expires_at} /> },
];

export function Credentials() {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.value.get(name) ?? undefined]));
  const list = useList<Credential>("/delegated-credentials", filter);
  useEffect(() => {
    if (canRead.value) void Promise.all([connections.want(), recipients.want()]);
  }, []);
  const filtered = FILTERS.some((name) => filter[name] !== undefined);
  const issue = (
    <ButtonLink to="/credentials/new" look="primary" icon="plus">
      Issue a credential
    </ButtonLink>
  );
  return (
    <>
      <PageHead title="Credentials" actions={canIssue.value ? issue : undefined}>
        What people, agents and services hold instead of your keys: scoped, limited and revocable.
      </PageHead>
      <Filters
        fields={[
          { name: "status", label: "Status", choices: ["active", "expired", "revoked"] },
          { name: "kind", label: "Kind", choices: ["delegated", "virtual"] },
          ...(canRead.value
            ? [
                { name: "connection_id", label: "Connection", options: connections.items.value },
                { name: "recipient_id", label: "Recipient", options: recipients.items.value },
                { name: "created_by", label: "Created by", hint: "Id of a key, member or trust policy" },
              ]
            : []),
          { name: "label", label: "Label", hint: "A name, or name:value" },
          { name: "name", label: "Name" },
        ]}
      />
      <ListView
        label="Credentials"
        list={list}
        to={(row) => `/credentials/${row.id}`}
        columns={CREDENTIAL_COLUMNS}
        empty={
          filtered ? (
            <Empty icon="search" title="No credential fits these filters" />
          ) : (
            <Empty
              icon="credential"
              title="No credential has been issued yet"
              action={canIssue.value ? issue : undefined}
            >
              Each reaches only what you allow, for as long as you allow it.
            </Empty>
          )
        }
      />
    </>
  );
}

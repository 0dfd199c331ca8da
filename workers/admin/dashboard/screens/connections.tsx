/** All connections, with what needs a look. */
import { useEffect } from "preact/hooks";
import type { Connection } from "../../../../src/contract/connection.ts";
import { vendors } from "../api/directory.ts";
import { useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { query } from "../router.ts";
import { ButtonLink } from "../ui/button.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Badge, Code, Status, Text, Time } from "../ui/text.tsx";

export function Connections() {
  const filter = {
    vendor: query.value.get("vendor") ?? undefined,
    environment: query.value.get("environment") ?? undefined,
  };
  const filtered = filter.vendor !== undefined || filter.environment !== undefined;
  const list = useList<Connection>("/connections", filter);
  useEffect(() => void vendors.want(), []);
  const add = (
    <ButtonLink to="/connections/new" look="primary" icon="plus">
      Connect a vendor
    </ButtonLink>
  );
  return (
    <>
      <PageHead title="Connections" actions={canEdit.value ? add : undefined}>
        Third-party APIs reached through RelayKey. Their keys stay here.
      </PageHead>
      <Filters
        fields={[
          { name: "vendor", label: "Vendor", options: vendors.items.value },
          { name: "environment", label: "Environment", hint: "For example production" },
        ]}
      />
      <ListView
        label="Connections"
        list={list}
        to={(row) => `/connections/${row.id}`}
        empty={
          filtered ? (
            <Empty icon="connection" title="No connection fits these filters" />
          ) : (
            <Empty icon="connection" title="No vendor is connected yet" action={canEdit.value ? add : undefined}>
              Connect one, and everyone who needs it gets a scoped credential instead of the key itself.
            </Empty>
          )
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Status", cell: (row) => <ConnectionStatus connection={row} /> },
          { head: "Base URL", cell: (row) => <Code value={row.base_url} /> },
          {
            head: "Environment",
            cell: (row) => (row.environment === null ? <span class="muted">any</span> : plain(row.environment)),
          },
          { head: "Keys", right: true, cell: (row) => row.upstream_credentials.length },
          { head: "Changed", cell: (row) => <Time at={row.updated_at} /> },
        ]}
      />
    </>
  );
}

export function ConnectionStatus({ connection }: { readonly connection: Connection }) {
  const usable =
    connection.auth.scheme === "none" || connection.upstream_credentials.some((each) => each.status !== "disabled");
  return (
    <span class="row">
      <Status value={connection.status} />
      {usable ? null : <Badge tone="warn">no key</Badge>}
    </span>
  );
}

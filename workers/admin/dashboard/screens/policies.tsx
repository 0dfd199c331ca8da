/** All policies: scopes and limits that many credentials share. */
import type { Policy } from "../../../../src/contract/policy.ts";
import { useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { plain } from "../format.ts";
import { ButtonLink } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Text, Time } from "../ui/text.tsx";
import { LimitsText } from "./limits-form.tsx";
import { priceText } from "./price-text.ts";

export function Policies() {
  const list = useList<Policy>("/policies");
  const add = (
    <ButtonLink to="/policies/new" look="primary" icon="plus">
      New policy
    </ButtonLink>
  );
  return (
    <>
      <PageHead title="Policies" actions={canEdit.value ? add : undefined}>
        Scopes and limits to use again. A change reaches every credential that follows the policy.
      </PageHead>
      <ListView
        label="Policies"
        list={list}
        to={(row) => `/policies/${row.id}`}
        empty={
          <Empty icon="policy" title="No policy yet" action={canEdit.value ? add : undefined}>
            Write one when the same rules are wanted twice.
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Allows", cell: (row) => plain([...new Set(row.rules.flatMap((rule) => rule.methods))].join(", ")) },
          { head: "Paths", right: true, cell: (row) => row.rules.reduce((sum, rule) => sum + rule.paths.length, 0) },
          { head: "Limits", cell: (row) => <LimitsText limits={row.limits} /> },
          { head: "Price", cell: (row) => priceText(row.price) ?? <span class="muted">none</span> },
          { head: "Version", right: true, cell: (row) => row.version },
          { head: "Changed", cell: (row) => <Time at={row.updated_at} /> },
        ]}
      />
    </>
  );
}

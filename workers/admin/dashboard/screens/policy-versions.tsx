/** The versions of a policy: who changed it when, and what each asked for. */
import type * as z from "zod";
import type { Policy, PolicyVersion } from "../../../../src/contract/policy.ts";
import { useList } from "../api/resource.ts";
import { plain } from "../format.ts";
import { Section } from "../ui/page.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Time } from "../ui/text.tsx";
import { LimitsText } from "./limits-form.tsx";
import { priceText } from "./price-text.ts";

type Version = z.infer<typeof PolicyVersion>;

const PAGE_SIZE = 10;

export function PolicyVersions({ policy }: { readonly policy: Policy }) {
  const list = useList<Version>(`/policies/${policy.id}/versions`, {}, PAGE_SIZE);
  return (
    <Section title="Versions" note="Each change makes one; all credentials follow the newest.">
      <ListView
        label="Versions"
        list={list}
        empty={null}
        columns={[
          { head: "Version", cell: (row) => row.version },
          { head: "Made", cell: (row) => <Time at={row.created_at} /> },
          { head: "By", cell: (row) => <Code value={row.created_by} /> },
          {
            head: "Allows",
            cell: (row) => plain([...new Set(row.rules.flatMap((rule) => rule.methods))].join(", ")),
          },
          { head: "Limits", cell: (row) => <LimitsText limits={row.limits} /> },
          { head: "Price", cell: (row) => priceText(row.price) ?? <span class="muted">none</span> },
        ]}
      />
    </Section>
  );
}

/** All trust policies: which jobs of CI systems get a credential for their own identity token, and what they may do with it. */
import { useEffect } from "preact/hooks";
import type { TrustPolicy } from "../../../../src/contract/exchange.ts";
import { connections } from "../api/directory.ts";
import { useList } from "../api/resource.ts";
import { isOwner } from "../api/session.ts";
import { ButtonLink } from "../ui/button.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Status, Text, Time } from "../ui/text.tsx";
import { constraintsText } from "./constraints-form.tsx";
import { knownIssuer } from "./trust-issuers.ts";

export function TrustPolicies() {
  const list = useList<TrustPolicy>("/trust-policies");
  useEffect(() => void connections.want(), []);
  const add = isOwner.value ? (
    <ButtonLink to="/trust-policies/new" look="primary" icon="plus">
      New trust policy
    </ButtonLink>
  ) : undefined;
  return (
    <>
      <PageHead title="CI trust policies" actions={add}>
        A CI job needs no stored key: it exchanges the identity token of its run for a credential that ends by itself.
      </PageHead>
      <ListView
        label="Trust policies"
        list={list}
        to={(row) => `/trust-policies/${row.id}`}
        empty={
          <Empty icon="branch" title="No trust policy yet" action={add}>
            GitHub Actions, GitLab CI and others sign a token for each run that says which repository, branch and
            environment it belongs to. A trust policy says whose tokens count here, and what their jobs may call.
            {isOwner.value ? null : " Owners make them."}
          </Empty>
        }
        columns={[
          { head: "Name", cell: (row) => <Text value={row.name} /> },
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Issuer", cell: (row) => knownIssuer(row.issuer)?.name ?? <Code value={row.issuer} /> },
          { head: "Claims", cell: (row) => <ClaimsText claims={row.claims} /> },
          { head: "May mint", cell: (row) => <Text value={constraintsText(row.constraints)} /> },
          { head: "Changed", cell: (row) => <Time at={row.updated_at} /> },
        ]}
      />
    </>
  );
}

function ClaimsText({ claims }: { readonly claims: TrustPolicy["claims"] }) {
  return (
    <ul class="plain">
      {Object.entries(claims).map(([name, values]) => (
        <li key={name}>
          <Text value={name} /> <Code value={values.join(", ")} />
        </li>
      ))}
    </ul>
  );
}

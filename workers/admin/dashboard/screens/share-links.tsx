/** Links by which a token was handed over: waiting, opened (when and from where) or withdrawn. */
import type { Credential } from "../../../../src/contract/credential.ts";
import type { Share } from "../../../../src/contract/share.ts";
import { apiPath, call } from "../api/client.ts";
import { useAction, useList } from "../api/resource.ts";
import { canIssue } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Status, Time } from "../ui/text.tsx";

export function ShareLinks({ credential }: { readonly credential: Credential }) {
  const list = useList<Share>(`/delegated-credentials/${credential.id}/shares`);
  const withdraw = useAction(
    (id: string) => call("DELETE", apiPath(`/shares/${id}`)),
    () => void list.reload(),
  );
  // Links are made where the token is shown; without any, there is nothing to say here.
  if (list.value.value?.length === 0 || list.failure.value?.kind === "missing") return null;
  return (
    <Section title="Links" note="Each opens once. RelayKey cannot open them.">
      <FailureNote failure={withdraw.failure.value} />
      <ListView
        label="Links"
        list={list}
        empty={null}
        columns={[
          { head: "Status", cell: (row) => <Status value={row.status} /> },
          { head: "Made", cell: (row) => <Time at={row.created_at} /> },
          { head: "Opened", cell: (row) => <Time at={row.opened_at} /> },
          {
            head: "From",
            cell: (row) => (row.opened_from === null ? <span class="muted">–</span> : <Code value={row.opened_from} />),
          },
          { head: "Until", cell: (row) => <Time at={row.expires_at} /> },
          {
            head: "",
            right: true,
            cell: (row) =>
              canIssue.value && row.status === "waiting" ? (
                <Button look="quiet" busy={withdraw.pending.value} onClick={() => withdraw.run(row.id)}>
                  Withdraw
                </Button>
              ) : null,
          },
        ]}
      />
    </Section>
  );
}

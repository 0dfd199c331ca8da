/** The addresses from which a credential may be used; more can be trusted, each can be distrusted again. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Credential, TrustedAddress } from "../../../../src/contract/credential.ts";
import { post, remove } from "../api/client.ts";
import { useAction, useList } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { words } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { Empty, FailureNote } from "../ui/states.tsx";
import { ListView } from "../ui/table.tsx";
import { Code, Time } from "../ui/text.tsx";

type Address = z.infer<typeof TrustedAddress>;

const MODES = {
  first_use: "The first address is trusted; any other must be confirmed by mail.",
  fixed: "Only the addresses listed here.",
  off: "It may be used from any address.",
} as const;

export function TrustedAddresses({ credential }: { readonly credential: Credential }) {
  const path = `/delegated-credentials/${credential.id}/trusted-addresses`;
  const list = useList<Address>(path, {}, null);
  const adding = useSignal(false);
  const address = useSignal("");
  const add = useAction(
    () => post(path, { address: address.value.trim() }),
    () => {
      adding.value = false;
      address.value = "";
      void list.reload();
    },
  );
  const drop = useAction(
    (each: string) => remove(path, { address: each }),
    () => void list.reload(),
  );
  const mayChange = canEdit.value && credential.status !== "revoked";
  return (
    <Section
      title="Trusted addresses"
      note={MODES[credential.trust.mode]}
      actions={
        mayChange ? (
          <Button icon="plus" onClick={() => (adding.value = true)}>
            Trust an address
          </Button>
        ) : undefined
      }
    >
      <FailureNote failure={drop.failure.value} />
      <ListView
        label="Trusted addresses"
        list={list}
        empty={
          <Empty icon="check" title="No address yet">
            {credential.trust.mode === "off" ? "None is needed." : "The first call will show where it is used from."}
          </Empty>
        }
        columns={[
          { head: "Address", cell: (row) => <Code value={row.address} /> },
          { head: "Trusted by", cell: (row) => words(row.how) },
          { head: "Since", cell: (row) => <Time at={row.trusted_at} none="as listed" /> },
          {
            head: "",
            right: true,
            cell: (row) =>
              mayChange && row.how !== "policy" ? (
                <Button look="quiet" busy={drop.pending.value} onClick={() => drop.run(row.address)}>
                  Distrust
                </Button>
              ) : null,
          },
        ]}
      />
      {adding.value ? (
        <FormDialog
          title="Trust an address"
          verb="Trust it"
          action={add}
          submit={() => add.run()}
          onClose={() => (adding.value = false)}
        >
          <TextField
            label="Address"
            name="address"
            value={address}
            failure={add.failure.value}
            placeholder="203.0.113.7"
            hint="IPv4, or an IPv6 /64"
            code
            required
            autoFocus
          />
        </FormDialog>
      ) : null}
    </Section>
  );
}

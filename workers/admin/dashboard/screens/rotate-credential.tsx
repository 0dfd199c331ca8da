/** Gives a credential a new token, which is shown once; the old one may go on for a while. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Credential, RotatedCredential } from "../../../../src/contract/credential.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { FormDialog, SecretDialog } from "../ui/dialog.tsx";
import { SelectField } from "../ui/field.tsx";

export function RotateCredential(props: {
  readonly credential: Credential;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const overlap = useSignal("0");
  const token = useSignal<string | null>(null);
  const action = useAction(
    () =>
      post<z.infer<typeof RotatedCredential>>(`/delegated-credentials/${props.credential.id}/rotate`, {
        overlap_seconds: Number(overlap.value),
      }),
    (rotated) => (token.value = rotated.token),
  );
  if (token.value !== null) {
    const finish = () => {
      props.onDone();
      props.onClose();
    };
    return (
      <SecretDialog
        title="The new token"
        secret={token.value}
        what="token"
        done="I have kept the token"
        onClose={finish}
      >
        This is the only time it is shown.
      </SecretDialog>
    );
  }
  return (
    <FormDialog
      title={`Rotate ${props.credential.name}`}
      verb="Make a new token"
      action={action}
      submit={() => action.run()}
      onClose={props.onClose}
    >
      <SelectField
        label="The old token"
        name="overlap_seconds"
        value={overlap}
        choices={[
          { value: "0", label: "ends at once" },
          { value: "3600", label: "works for another hour" },
          { value: "86400", label: "works for another day" },
        ]}
      />
    </FormDialog>
  );
}

/** Gives a credential a new token, which is shown once; the old one may go on for a while. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Credential, RotatedCredential } from "../../../../src/contract/credential.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { Button } from "../ui/button.tsx";
import { Dialog, FormDialog } from "../ui/dialog.tsx";
import { SelectField } from "../ui/field.tsx";
import { CodeBlock } from "../ui/text.tsx";

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
      <Dialog title="The new token" onClose={finish} firm>
        <div class="dialog-body">
          <p>This is the only time it is shown.</p>
          <CodeBlock text={token.value} what="token" />
        </div>
        <footer>
          <Button look="primary" onClick={finish}>
            I have kept the token
          </Button>
        </footer>
      </Dialog>
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

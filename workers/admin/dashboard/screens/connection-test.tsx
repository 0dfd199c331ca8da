/** Tests a connection's key at the vendor and says what was found. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { TestVerdict } from "../../../../src/domain/connection-test.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { Icon } from "../ui/icon.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Text } from "../ui/text.tsx";

export function ConnectionTest({
  id,
  atOnce = false,
  known,
}: {
  readonly id: string;
  readonly atOnce?: boolean;
  readonly known: boolean;
}) {
  const verdict = useSignal<TestVerdict | null>(null);
  const path = useSignal("/");
  const action = useAction(
    () => post<TestVerdict>(`/connections/${id}/test`, known ? {} : { path: path.value.trim() }),
    (found) => (verdict.value = found),
  );
  useEffect(() => {
    if (atOnce && known) void action.run();
  }, [id]);
  return (
    <div class="stack tight">
      {known ? null : (
        <TextField
          label="Path to read"
          name="path"
          value={path}
          hint="A cheap GET that needs the key, for example /v1/me"
          code
        />
      )}
      <div class="row">
        <Button busy={action.pending.value} onClick={() => action.run()}>
          {action.pending.value ? "Testing …" : verdict.value === null ? "Test the key" : "Test again"}
        </Button>
      </div>
      <div role="status">{verdict.value === null ? null : <Verdict verdict={verdict.value} />}</div>
      <FailureNote failure={action.failure.value} />
    </div>
  );
}

function Verdict({ verdict }: { readonly verdict: TestVerdict }) {
  return (
    <div class={`note ${verdict.ok ? "ok" : "bad"}`}>
      <Icon name={verdict.ok ? "check" : "alert"} />
      <p>
        <strong>
          <Text value={verdict.summary} />
        </strong>{" "}
        {verdict.hint === null ? null : <Text value={verdict.hint} />}
      </p>
    </div>
  );
}

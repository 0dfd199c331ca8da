/** The least scope that covers what was really used: asked for by a button, since it reads the whole history. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { Suggestion } from "../../../../src/contract/scope-review.ts";
import { post } from "../api/client.ts";
import { nameOf } from "../api/directory.ts";
import { useAction } from "../api/resource.ts";
import { plain, plural } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { CodeBlock } from "../ui/text.tsx";

export function Suggestions({ path }: { readonly path: string }) {
  const found = useSignal<z.infer<typeof Suggestion> | null>(null);
  const action = useAction(
    () => post<z.infer<typeof Suggestion>>(path, { days: 30 }),
    (suggestion) => (found.value = suggestion),
  );
  return (
    <Section
      title="Least scope"
      note="What would be enough, going by the calls of the last 30 days."
      actions={
        <Button busy={action.pending.value} onClick={() => action.run()}>
          Work it out
        </Button>
      }
    >
      {found.value === null && action.failure.value === null ? null : (
        <div class="inner" role="status">
          <FailureNote failure={action.failure.value} />
          {found.value === null ? null : found.value.connections.length === 0 ? (
            <p>No calls in that time: nothing would be missed.</p>
          ) : (
            found.value.connections.map((each) => (
              <div key={each.connection_id} class="stack tight">
                <h3>
                  {plain(nameOf(each.connection_id))}: {plural(each.calls, "call")}
                </h3>
                <CodeBlock
                  what="rules"
                  text={each.rules.map((rule) => `${rule.methods.join(", ")} ${rule.paths.join(" ")}`).join("\n")}
                />
              </div>
            ))
          )}
        </div>
      )}
    </Section>
  );
}

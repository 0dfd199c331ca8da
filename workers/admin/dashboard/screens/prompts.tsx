/** Instructions for whoever is to use a credential, one tab for each place they are pasted into. They never hold the token. */
import { useSignal } from "@preact/signals";
import type { Credential } from "../../../../src/contract/credential.ts";
import { nameOf } from "../api/directory.ts";
import { useResource } from "../api/resource.ts";
import { plain } from "../format.ts";
import { Section } from "../ui/page.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import type { Tab } from "../ui/tabs.tsx";
import { CodeBlock } from "../ui/text.tsx";
import { codeBlocks } from "./prompt-text.ts";

interface Variant {
  readonly id: string;
  readonly label: string;
  /** Where it goes. */
  readonly place: string;
  /** Code to run rather than text to read. */
  readonly code?: true;
}

const VARIANTS: readonly Variant[] = [
  { id: "claude_code", label: "Claude Code", place: "Paste it into the project’s CLAUDE.md." },
  { id: "codex", label: "Codex", place: "Paste it into the project’s AGENTS.md." },
  { id: "cursor", label: "Cursor", place: "Save it as .cursor/rules/relaykey.mdc in the project." },
  { id: "generic", label: "Any agent", place: "Paste it into the agent’s instructions." },
  { id: "curl", label: "curl", place: "Run it in a shell.", code: true },
  { id: "sdk", label: "Vendor’s SDK", place: "Put it where the client is made.", code: true },
];

type Holder = Pick<Credential, "id" | "grants">;

/** `without`: variants that stand elsewhere on the page. */
export function promptTabs(credential: Holder, without: readonly string[] = []): Tab[] {
  return VARIANTS.filter((variant) => !without.includes(variant.id)).map((variant) => ({
    id: variant.id,
    label: variant.label,
    content: () => <Prompt key={variant.id} credential={credential} variant={variant} />,
  }));
}

function Prompt({ credential, variant }: { readonly credential: Holder; readonly variant: Variant }) {
  const resource = useResource<{ readonly prompt: string }>(`/delegated-credentials/${credential.id}/prompt`, {
    variant: variant.id,
  });
  const found = resource.value.value;
  const failure = resource.failure.value;
  if (found === null) {
    return failure === null ? <Loading rows={6} /> : <Failed failure={failure} retry={() => void resource.reload()} />;
  }
  const what = variant.code === true ? `${variant.label} code` : `${variant.label} prompt`;
  return (
    <>
      <p class="hint">{variant.place} It names RELAYKEY_TOKEN in place of the token, so it may be kept in a file.</p>
      {variant.code === true ? (
        codeBlocks(found.prompt).map((text, i, all) => (
          <div class="stack tight" key={text}>
            {all.length > 1 ? <h3>{plain(nameOf(credential.grants[i]?.connection_id ?? ""))}</h3> : null}
            <CodeBlock text={text} what={all.length > 1 ? `${what} ${i + 1}` : what} />
          </div>
        ))
      ) : (
        <CodeBlock text={found.prompt} what={what} />
      )}
    </>
  );
}

export function Prompts({ credential }: { readonly credential: Credential }) {
  const tab = useSignal("claude_code");
  return (
    <Section title="Instructions" note="Written from what it reaches now, for whoever uses it.">
      <div class="inner">
        <Tabs label="Instructions for" chosen={tab} tabs={promptTabs(credential)} />
      </div>
    </Section>
  );
}

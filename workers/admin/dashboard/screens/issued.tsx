/** The one time a token is shown: as it is, and in the forms in which it is handed over: a command, instructions, a link. */
import { useSignal } from "@preact/signals";
import type * as z from "zod";
import type { ShareWithUrl } from "../../../../src/contract/share.ts";
import { encodeBase64Url } from "../../../../src/domain/encoding.ts";
import { SHARE_IV_BYTES, SHARE_KEY_BYTES, sealShare } from "../../../../src/domain/share.ts";
import { connections } from "../api/directory.ts";
import { post } from "../api/client.ts";
import { useAction } from "../api/resource.ts";
import { plain } from "../format.ts";
import { Button } from "../ui/button.tsx";
import { SelectField } from "../ui/field.tsx";
import { Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { CodeBlock } from "../ui/text.tsx";
import type { IssuedView } from "./issue.tsx";
import { promptTabs } from "./prompts.tsx";
import { Findings } from "./review-panel.tsx";

type ShareView = z.infer<typeof ShareWithUrl>;

export function Issued(props: {
  readonly issued: IssuedView;
  readonly doneLabel: string;
  readonly onDone: () => void;
}) {
  const { issued } = props;
  const tab = useSignal("curl");
  return (
    <Section
      title={`${plain(issued.name)} is ready`}
      note="This is the only time the token is shown. RelayKey keeps no copy of it."
    >
      <div class="inner">
        <CodeBlock text={issued.token} what="token" />
        <Tabs
          label="Ways to hand it over"
          chosen={tab}
          tabs={[
            { id: "curl", label: "curl", content: () => <CodeBlock text={curlLine(issued)} what="curl command" /> },
            ...promptTabs(issued, ["curl"]),
            { id: "share", label: "Link that opens once", content: () => <Share issued={issued} /> },
          ]}
        />
        {issued.review.findings.length === 0 ? null : (
          <details>
            <summary>What the review said</summary>
            <Findings review={issued.review} />
          </details>
        )}
        <div class="row">
          <Button look="primary" onClick={props.onDone}>
            {props.doneLabel}
          </Button>
        </div>
      </div>
    </Section>
  );
}

/** A call that the first rule allows. The proxy's address stands in the prompt, which the server wrote. */
export function curlLine(issued: IssuedView): string {
  const grant = issued.grants[0];
  const base =
    /`(https?:\/\/[^`\s]+\/conn_[a-z0-9_-]+)`/.exec(issued.prompt)?.[1] ??
    `https://<proxy>/${grant?.connection_id ?? ""}`;
  const rule = grant?.rules[0];
  const method =
    rule?.methods.includes("GET") === true || rule?.methods.includes("*") === true
      ? "GET"
      : (rule?.methods[0] ?? "GET");
  const connection = connections.items.value.find((each) => each.id === grant?.connection_id);
  const basePath = connection === undefined ? "" : new URL(connection.base_url).pathname.replace(/\/$/, "");
  const pattern = rule?.paths[0] ?? "/";
  const path = pattern.startsWith(`${basePath}/`) ? pattern.slice(basePath.length) : pattern;
  const concrete = path.replace(/\/\*{1,2}$/, "").replaceAll(/\*+|:[a-z_]+/g, "1") || "/";
  const verb = method === "GET" ? "" : `-X ${method} `;
  return `curl ${verb}${base}${quoted(concrete)} -H "Authorization: Bearer ${issued.token}"`;
}

/** Patterns are people's text; in a shell line only harmless characters stand bare. */
function quoted(path: string): string {
  return /^[A-Za-z0-9/_.,~%@:+-]*$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function Share({ issued }: { readonly issued: IssuedView }) {
  const link = useSignal<string | null>(null);
  const ttl = useSignal("86400");
  const action = useAction(async () => {
    const key = crypto.getRandomValues(new Uint8Array(SHARE_KEY_BYTES));
    const sealed = await sealShare(issued.token, key, crypto.getRandomValues(new Uint8Array(SHARE_IV_BYTES)));
    const answer = await post<ShareView>(`/delegated-credentials/${issued.id}/share`, {
      sealed,
      ttl_seconds: Number(ttl.value),
    });
    // The key stands in the fragment, which browsers send to nobody.
    if (answer.ok) link.value = `${answer.value.url}#${encodeBase64Url(key)}`;
    return answer;
  });
  if (link.value !== null) {
    return (
      <>
        <CodeBlock text={link.value} what="share link" />
        <p class="hint">Opens once, on any phone or computer. Only the link can open it: RelayKey has no key for it.</p>
      </>
    );
  }
  return (
    <div class="stack">
      <p>The token is sealed in this browser. Whoever opens the link first sees it; after that it is gone.</p>
      <div class="columns">
        <SelectField
          label="Open for"
          name="ttl_seconds"
          value={ttl}
          choices={[
            { value: "3600", label: "1 hour" },
            { value: "86400", label: "1 day" },
            { value: "604800", label: "7 days" },
          ]}
        />
      </div>
      <FailureNote failure={action.failure.value} />
      <div class="row">
        <Button busy={action.pending.value} onClick={() => action.run()}>
          Make the link
        </Button>
      </div>
    </div>
  );
}

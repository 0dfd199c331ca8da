/** Settings: the appearance, who is signed in, and where the reference is. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call } from "../api/client.ts";
import { session } from "../api/session.ts";
import { plain } from "../format.ts";
import { chooseTheme, theme } from "../theme.ts";
import type { Theme } from "../theme.ts";
import { Choices } from "../ui/field.tsx";
import { Facts, PageHead, Section } from "../ui/page.tsx";
import { Id } from "../ui/text.tsx";

export function Settings() {
  const look = useSignal<string>(theme.value);
  const version = useSignal<string | null>(null);
  useSignalEffect(() => chooseTheme(toTheme(look.value)));
  useEffect(() => {
    void call<{ readonly version: string }>("GET", "/health").then((answer) => {
      if (answer.ok) version.value = answer.value.version;
    });
  }, []);
  const who = session.value;
  return (
    <>
      <PageHead title="Settings" />
      <Section title="Appearance">
        <div class="inner">
          <Choices
            legend="Theme"
            value={look}
            choices={[
              { value: "system", label: "As the system" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
        </div>
      </Section>
      {who === null ? null : (
        <Section title="You">
          <Facts
            facts={[
              ["Name", plain(who.name)],
              ["Role", who.role],
              ["Signed in with", who.kind === "member" ? "a link by mail" : "a management key"],
              ["Id", <Id value={who.id} />],
            ]}
          />
        </Section>
      )}
      <Section title="This deployment">
        <Facts
          facts={[
            ["Organisation", plain(who?.organisation.name ?? "")],
            ["Plan", plain(who?.organisation.plan ?? "")],
            ["Version", version.value ?? "…"],
            ["API", <a href="/docs">Reference</a>],
            ["Description", <a href="/openapi.json">openapi.json</a>],
          ]}
        />
      </Section>
    </>
  );
}

function toTheme(value: string): Theme {
  return value === "light" || value === "dark" ? value : "system";
}

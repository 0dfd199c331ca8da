/** One connection: its keys, its test, its quota, prices, reliability and operations; pausing and deleting it. */
import { useSignal } from "@preact/signals";
import type { Connection } from "../../../../src/contract/connection.ts";
import { apiPath, call, post } from "../api/client.ts";
import { connections } from "../api/directory.ts";
import { useAction, useResource } from "../api/resource.ts";
import type { Resource } from "../api/resource.ts";
import { canEdit } from "../api/session.ts";
import { count, duration, plain, words } from "../format.ts";
import { navigate, query } from "../router.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { ConfirmDialog } from "../ui/dialog.tsx";
import { Facts, PageHead, PendingPage, Section } from "../ui/page.tsx";
import { FailureNote } from "../ui/states.tsx";
import { notify } from "../ui/toast.tsx";
import { Code, Id, Time } from "../ui/text.tsx";
import { EditConnection } from "./connection-edit.tsx";
import { ConnectionOperations } from "./connection-operations.tsx";
import { ConnectionReliability } from "./connection-reliability.tsx";
import { ConnectionTest } from "./connection-test.tsx";
import { ConnectionStatus } from "./connections.tsx";
import { LimitsText } from "./limits-form.tsx";
import { Prices } from "./prices.tsx";
import type { ScreenProps } from "./screen.ts";
import { UpstreamKeys } from "./upstream-keys.tsx";

export function ConnectionPage({ params }: ScreenProps) {
  const resource = useResource<Connection>(`/connections/${params["id"] ?? ""}`);
  const connection = resource.value.value;
  if (connection === null) {
    return (
      <PendingPage
        title="Connection"
        up={{ to: "/connections", label: "Connections" }}
        failure={resource.failure.value}
        retry={() => void resource.reload()}
      />
    );
  }
  return <Loaded connection={connection} resource={resource} />;
}

function Loaded({
  connection,
  resource,
}: {
  readonly connection: Connection;
  readonly resource: Resource<Connection>;
}) {
  const dialog = useSignal<"none" | "edit" | "delete">("none");
  const paused = connection.status === "paused";
  const change = useAction(
    () => post<Connection>(`/connections/${connection.id}/${paused ? "resume" : "pause"}`),
    (next) => {
      resource.value.value = next;
      notify(next.status === "paused" ? "Paused: every call is refused until you resume it." : "Resumed.");
    },
  );
  const saved = (next: Connection) => {
    resource.value.value = next;
    void connections.want(true);
    dialog.value = "none";
  };
  return (
    <>
      <PageHead
        title={connection.name}
        up={{ to: "/connections", label: "Connections" }}
        badge={<ConnectionStatus connection={connection} />}
        actions={
          canEdit.value ? (
            <>
              <Button icon={paused ? "play" : "pause"} busy={change.pending.value} onClick={() => change.run()}>
                {paused ? "Resume" : "Pause"}
              </Button>
              <Button onClick={() => (dialog.value = "edit")}>Edit</Button>
              <ButtonLink to={`/credentials/new?connection_id=${connection.id}`} look="primary">
                Issue a credential
              </ButtonLink>
            </>
          ) : undefined
        }
      />
      <FailureNote failure={change.failure.value} />
      <About connection={connection} />
      <UpstreamKeys connection={connection} onChanged={() => void resource.reload()} />
      {canEdit.value ? (
        <Section title="Test">
          <div class="inner">
            <ConnectionTest
              id={connection.id}
              known={connection.vendor !== null}
              atOnce={query.value.get("test") === "now"}
            />
          </div>
        </Section>
      ) : null}
      <Prices connection={connection} onChanged={saved} />
      <ConnectionReliability connection={connection} onChanged={saved} />
      <ConnectionOperations connection={connection} onChanged={saved} />
      {canEdit.value ? (
        <Section title="Delete" note="Its keys and every grant to it go with it.">
          <div class="inner">
            <div class="row">
              <Button look="danger" onClick={() => (dialog.value = "delete")}>
                Delete this connection
              </Button>
            </div>
          </div>
        </Section>
      ) : null}
      {dialog.value === "edit" ? (
        <EditConnection connection={connection} onSaved={saved} onClose={() => (dialog.value = "none")} />
      ) : null}
      {dialog.value === "delete" ? (
        <ConfirmDialog
          title={`Delete ${connection.name}`}
          verb="Delete"
          name={connection.name}
          run={() => call("DELETE", apiPath(`/connections/${connection.id}`))}
          onDone={() => {
            void connections.want(true);
            notify("Deleted.");
            navigate("/connections");
          }}
          onClose={() => (dialog.value = "none")}
        >
          <p>
            Every credential that reaches it loses this grant at once, and its keys are destroyed. This cannot be
            undone.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function About({ connection }: { readonly connection: Connection }) {
  const { quota } = connection;
  return (
    <Section title="About">
      <Facts
        facts={[
          ["Id", <Id value={connection.id} />],
          ["Base URL", <Code value={connection.base_url} />],
          ...(connection.origins.length === 0 ? [] : [["Further hosts", <Origins connection={connection} />] as const]),
          ["Vendor", connection.vendor === null ? "not in the catalogue" : plain(connection.vendor)],
          ["Environment", connection.environment === null ? "any" : plain(connection.environment)],
          ["Authentication", words(connection.auth.scheme)],
          [
            "Vendor’s quota",
            quota === null
              ? "none set"
              : `${count(quota.requests)} calls in ${duration(quota.per_seconds)}, of which ${Math.round((quota.max_share ?? 1) * 100)} % may be used`,
          ],
          ["Headers added", <HeaderNames connection={connection} />],
          ["Limits for all together", <LimitsText limits={connection.limits} />],
          ["Created", <Time at={connection.created_at} />],
        ]}
      />
    </Section>
  );
}

/** Each by the name under which it is called. */
function Origins({ connection }: { readonly connection: Connection }) {
  return (
    <ul class="plain">
      {connection.origins.map((each) => (
        <li key={each.name}>
          {plain(each.name)}: <Code value={each.base_url} />
        </li>
      ))}
    </ul>
  );
}

/** Of those that RelayKey adds, by name: values can be long, and stand in the form. */
function HeaderNames({ connection }: { readonly connection: Connection }) {
  const names = [...new Set([...Object.keys(connection.headers), ...Object.keys(connection.default_headers)])];
  return names.length === 0 ? <>none</> : <Code value={names.join(", ")} />;
}

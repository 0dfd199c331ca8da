/** The audit log: filters in the URL, live tail, one event in detail, and a way to export what is seen. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import type { Query } from "../api/client.ts";
import { connections, credentials, customers, recipients } from "../api/directory.ts";
import { useList } from "../api/resource.ts";
import { compact, plural } from "../format.ts";
import { query } from "../router.ts";
import { Button, ButtonLink } from "../ui/button.tsx";
import { Filters } from "../ui/filters.tsx";
import { PageHead } from "../ui/page.tsx";
import { Empty, Failed, FailureNote, Loading } from "../ui/states.tsx";
import { AuditList } from "./audit-list.tsx";
import { EventPanel } from "./event-panel.tsx";
import { PAGE_SIZE, useTail } from "./tail.ts";

const NAMES = [
  "decision",
  "status",
  "method",
  "path",
  "reason",
  "connection_id",
  "credential_id",
  "recipient_id",
  "customer",
  "environment",
  "address",
  "user_agent",
  "request_id",
  "from",
  "to",
] as const;

function filterOfUrl(): Query {
  return Object.fromEntries(NAMES.map((name) => [name, query.value.get(name) ?? undefined]));
}

export function Audit() {
  const filter = filterOfUrl();
  const list = useList<AuditEventView>("/audit-events", filter, PAGE_SIZE);
  const openId = useSignal<string | null>(null);
  const live = useSignal(true);
  const atTop = useSignal(true);
  const rows = useTail(list, filter, { live: live.value, atTop });
  useEffect(() => void Promise.all([connections.want(), credentials.want(), recipients.want(), customers.want()]), []);
  const open = rows?.find((each) => each.id === openId.value) ?? null;
  const failure = list.failure.value;
  const filtered = NAMES.some((name) => filter[name] !== undefined);
  return (
    <>
      <PageHead
        title="Audit log"
        actions={
          <>
            <Button
              icon={live.value ? "pause" : "play"}
              pressed={live.value}
              onClick={() => (live.value = !live.value)}
            >
              {live.value ? "Live" : "Paused"}
            </Button>
            <ButtonLink to={`/exports?${query.value.toString()}`} icon="export">
              Export these
            </ButtonLink>
          </>
        }
      >
        One event for every call, refusals included. Nothing here can be changed or removed.
      </PageHead>
      <Filters
        fields={[
          { name: "decision", label: "Decision", choices: ["denied", "allowed"] },
          { name: "status", label: "Status", hint: "A number, or a class such as 4xx" },
          { name: "method", label: "Method", choices: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] },
          {
            name: "path",
            label: "Path",
            hint: "Begins with a slash: the whole path, * for any characters. Otherwise found anywhere.",
          },
          { name: "reason", label: "Reason", hint: "For example path_denied" },
          { name: "connection_id", label: "Connection", options: connections.items.value },
          { name: "credential_id", label: "Credential", options: credentials.items.value },
          { name: "recipient_id", label: "Recipient", options: recipients.items.value },
          { name: "customer", label: "Customer" },
          { name: "environment", label: "Environment" },
          { name: "address", label: "Address" },
          { name: "user_agent", label: "Client" },
          { name: "request_id", label: "Request" },
          { name: "from", label: "From", type: "datetime-local" },
          { name: "to", label: "To", type: "datetime-local" },
        ]}
      />
      {rows === null ? (
        failure === null ? (
          <Loading rows={12} />
        ) : (
          <Failed failure={failure} retry={() => void list.reload()} />
        )
      ) : rows.length === 0 ? (
        <Empty icon="audit" title={filtered ? "No event fits these filters" : "No call has been made yet"}>
          {live.value ? "New ones appear here by themselves." : "Live tail is paused."}
        </Empty>
      ) : (
        <div class={`with-panel${open === null ? "" : " open"}`}>
          <div>
            <FailureNote failure={failure} />
            <AuditList list={list} rows={rows} openId={openId} atTop={atTop} />
            <p class="log-foot" role="status">
              {list.hasMore.value
                ? `The newest ${compact(rows.length)} events; scroll for more`
                : plural(rows.length, "event")}
            </p>
          </div>
          {open === null ? null : <EventPanel event={open} onClose={() => (openId.value = null)} />}
        </div>
      )}
    </>
  );
}

/** One event: the ten steps of the decision and why it ended so, and everything that was recorded. */
import type { AuditEventView } from "../../../../src/contract/audit-event.ts";
import { nameOf } from "../api/directory.ts";
import { bytes, count, exact, millis, money, words } from "../format.ts";
import { Button, Link } from "../ui/button.tsx";
import { Facts } from "../ui/page.tsx";
import { Code, CopyButton, Id, Status, Text } from "../ui/text.tsx";
import { decisionSteps, whyText } from "./decision.ts";

export function EventPanel({ event, onClose }: { readonly event: AuditEventView; readonly onClose: () => void }) {
  return (
    <section
      class="card panel"
      aria-label="Event"
      onKeyDown={(pressed) => {
        if (pressed.key === "Escape") onClose();
      }}
    >
      <header>
        <h2 class="row">
          <Status value={event.decision} /> {event.reason === "ok" ? "Sent to the vendor" : words(event.reason)}
        </h2>
        <Button look="quiet" icon="close" label="Close the event" onClick={onClose} />
      </header>
      <div class="inner">
        <p>
          <Code value={`${event.method} ${event.path}`} />
        </p>
        <p>{whyText(event.reason)}</p>
      </div>
      <ol class="steps">
        {decisionSteps(event).map((step) => (
          <li key={step.name} class={step.state}>
            <span class="dot" aria-hidden="true" />
            <div>
              <strong>{step.name}</strong>
              <span class="sr-only">: {step.state}.</span>
              <p class="muted">
                <Text value={step.note} />
              </p>
            </div>
          </li>
        ))}
      </ol>
      <Facts
        facts={[
          ["At", exact(Date.parse(event.at))],
          [
            "Credential",
            event.credential_id === null ? (
              "none"
            ) : (
              <Link to={`/credentials/${event.credential_id}`}>{nameOf(event.credential_id)}</Link>
            ),
          ],
          [
            "Connection",
            event.connection_id === null ? (
              "none"
            ) : (
              <Link to={`/connections/${event.connection_id}`}>{nameOf(event.connection_id)}</Link>
            ),
          ],
          [
            "Recipient",
            event.recipient_id === null ? (
              "nobody"
            ) : (
              <Link to={`/recipients/${event.recipient_id}`}>{nameOf(event.recipient_id)}</Link>
            ),
          ],
          ["Customer", event.customer === null ? "none" : <Text value={event.customer} />],
          ["Address", event.address === null ? "unknown" : <Code value={event.address} />],
          ["Client", event.user_agent === "" ? "not named" : <Text value={event.user_agent} />],
          [
            "Answer",
            event.status === null
              ? "none seen"
              : `${event.status}${event.upstream_status === null ? ", from RelayKey" : ", from the vendor"}`,
          ],
          ["Took", event.latency_ms === null ? "unknown" : millis(event.latency_ms)],
          [
            "Sent and received",
            `${event.bytes_in === null ? "–" : bytes(event.bytes_in)} / ${event.bytes_out === null ? "–" : bytes(event.bytes_out)}`,
          ],
          ["Cost", event.cost_usd_micros === null ? "unknown" : money(event.cost_usd_micros)],
          ["Attempts", count(event.attempts)],
          ["Request", <Id value={event.request_id} />],
          ["Event", <Id value={event.id} />],
          [
            "Hash",
            <>
              <Code value={event.hash.slice(0, 16)} />… <CopyButton text={event.hash} what="hash" />
            </>,
          ],
        ]}
      />
    </section>
  );
}

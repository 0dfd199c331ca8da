/** Every operation of the admin API. What is not in this table does not exist. */
import { docsPage } from "./docs-page.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import { AUDIT_ROUTES } from "./routes/audit-events.ts";
import { BINDING_ROUTES } from "./routes/bindings.ts";
import { BUDGET_ROUTES } from "./routes/budgets.ts";
import { CONNECTION_OPENAPI_ROUTES } from "./routes/connection-openapi.ts";
import { CONNECTION_TEST_ROUTES } from "./routes/connection-test.ts";
import { CONNECTION_ROUTES } from "./routes/connections.ts";
import { CREDENTIAL_CHANGE_ROUTES } from "./routes/credential-changes.ts";
import { CREDENTIAL_ROUTES } from "./routes/credentials.ts";
import { CREDIT_ROUTES } from "./routes/credits.ts";
import { CUSTOMER_ROUTES } from "./routes/customers.ts";
import { KEY_ROTATION_ROUTES } from "./routes/key-rotation.ts";
import { MANAGEMENT_KEY_ROUTES } from "./routes/management-keys.ts";
import { PAYMENT_ROUTES } from "./routes/payments.ts";
import { POLICY_ROUTES } from "./routes/policies.ts";
import { RECIPIENT_ROUTES } from "./routes/recipients.ts";
import { systemRoutes } from "./routes/system.ts";
import { TRUSTED_ADDRESS_ROUTES } from "./routes/trusted-addresses.ts";
import { UPSTREAM_CREDENTIAL_ROUTES } from "./routes/upstream-credentials.ts";
import { UPSTREAM_ROTATION_ROUTES } from "./routes/upstream-rotation.ts";
import { VENDOR_ROUTES } from "./routes/vendors.ts";
import { CONFIRM_ROUTES } from "./routes/confirm.ts";
import { MAILBOX_ROUTES } from "./routes/mailbox.ts";
import { PAGE_FILE_ROUTES } from "./routes/page-files.ts";
import { WEBHOOK_ROUTES } from "./routes/webhooks.ts";
import { MEMBER_ROUTES } from "./routes/members.ts";
import { SESSION_ROUTES } from "./routes/sessions.ts";
import { SCOPE_REVIEW_ROUTES } from "./routes/scope-reviews.ts";
import { REPLAY_ROUTES } from "./routes/policies-replay.ts";
import { SUGGESTION_ROUTES } from "./routes/suggestions.ts";
import { USAGE_ROUTES } from "./routes/usage.ts";
import { METRIC_ROUTES } from "./routes/metrics.ts";
import { TOKEN_EXCHANGE_ROUTES } from "./routes/token-exchange.ts";
import { TRUST_POLICY_ROUTES } from "./routes/trust-policies.ts";
import { SHARE_ROUTES } from "./routes/shares.ts";
import { EXPORT_ROUTES } from "./routes/exports.ts";
import { ORGANISATION_ROUTES } from "./routes/organisations.ts";
import { ORGANISATION_STATUS_ROUTES } from "./routes/organisation-status.ts";
import { AUDIT_KEY_ROUTES } from "./routes/audit-key.ts";
import { PROMPT_ROUTES } from "./routes/prompts.ts";
import { SHARE_PAGE_ROUTES } from "./routes/share-pages.ts";
import { WEBHOOK_DELIVERY_ROUTES } from "./routes/webhook-deliveries.ts";

export const ROUTES: readonly Route[] = [
  ...VENDOR_ROUTES,
  ...CONNECTION_ROUTES,
  ...CONNECTION_TEST_ROUTES,
  ...CONNECTION_OPENAPI_ROUTES,
  ...UPSTREAM_CREDENTIAL_ROUTES,
  ...UPSTREAM_ROTATION_ROUTES,
  ...RECIPIENT_ROUTES,
  ...POLICY_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...CREDENTIAL_CHANGE_ROUTES,
  ...TRUSTED_ADDRESS_ROUTES,
  ...BINDING_ROUTES,
  ...CUSTOMER_ROUTES,
  ...MANAGEMENT_KEY_ROUTES,
  ...KEY_ROTATION_ROUTES,
  ...AUDIT_ROUTES,
  ...CONFIRM_ROUTES,
  ...MAILBOX_ROUTES,
  ...PAGE_FILE_ROUTES,
  ...WEBHOOK_ROUTES,
  ...MEMBER_ROUTES,
  ...SESSION_ROUTES,
  ...SCOPE_REVIEW_ROUTES,
  ...REPLAY_ROUTES,
  ...SUGGESTION_ROUTES,
  ...USAGE_ROUTES,
  ...BUDGET_ROUTES,
  ...METRIC_ROUTES,
  ...TOKEN_EXCHANGE_ROUTES,
  ...TRUST_POLICY_ROUTES,
  ...SHARE_ROUTES,
  ...EXPORT_ROUTES,
  ...CREDIT_ROUTES,
  ...PAYMENT_ROUTES,
  ...ORGANISATION_ROUTES,
  ...ORGANISATION_STATUS_ROUTES,
  ...AUDIT_KEY_ROUTES,
  ...PROMPT_ROUTES,
  ...SHARE_PAGE_ROUTES,
  ...WEBHOOK_DELIVERY_ROUTES,
  ...systemRoutes(
    () => document(),
    () => docsPage(ROUTES, document()),
  ),
];

/** Built on first use and kept: the table never changes while the Worker runs. */
let built: Record<string, unknown> | null = null;

function document(): Record<string, unknown> {
  built ??= openApiDocument(ROUTES, null);
  return built;
}

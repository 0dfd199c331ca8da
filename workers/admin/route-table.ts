/** Every operation of the admin API. What is not in this table does not exist. */
import { docsPage } from "./docs-page.ts";
import { openApiDocument } from "./openapi.ts";
import type { Route } from "./route.ts";
import { CONNECTION_ROUTES } from "./routes/connections.ts";
import { CREDENTIAL_ROUTES } from "./routes/credentials.ts";
import { RECIPIENT_ROUTES } from "./routes/recipients.ts";
import { systemRoutes } from "./routes/system.ts";
import { UPSTREAM_CREDENTIAL_ROUTES } from "./routes/upstream-credentials.ts";
import { CONFIRM_ROUTES } from "./routes/confirm.ts";
import { MAILBOX_ROUTES } from "./routes/mailbox.ts";
import { PAGE_FILE_ROUTES } from "./routes/page-files.ts";
import { WEBHOOK_ROUTES } from "./routes/webhooks.ts";
import { MEMBER_ROUTES } from "./routes/members.ts";
import { SESSION_ROUTES } from "./routes/sessions.ts";

export const ROUTES: readonly Route[] = [
  ...CONNECTION_ROUTES,
  ...UPSTREAM_CREDENTIAL_ROUTES,
  ...RECIPIENT_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...CONFIRM_ROUTES,
  ...MAILBOX_ROUTES,
  ...PAGE_FILE_ROUTES,
  ...WEBHOOK_ROUTES,
  ...MEMBER_ROUTES,
  ...SESSION_ROUTES,
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

/** The admin Worker: the API from its route table, the dashboard's files for everything else, and the cron. */
import { createApp } from "./app.ts";
import { runCron } from "./cron.ts";
import { serveDashboard } from "./dashboard-files.ts";
import type { AdminEnv } from "./env.ts";
import { ROUTES } from "./route-table.ts";

const app = createApp(ROUTES, serveDashboard);

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  scheduled: (_controller, env) => runCron(env, Date.now()),
} satisfies ExportedHandler<AdminEnv>;

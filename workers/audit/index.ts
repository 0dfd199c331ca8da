/** Placeholder until the audit Worker lands. */
export default {
  fetch(): Response {
    return new Response("audit placeholder", { status: 503 });
  },
} satisfies ExportedHandler;

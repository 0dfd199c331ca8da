/** Placeholder until the admin Worker lands. */
export default {
  fetch(): Response {
    return new Response("admin placeholder", { status: 503 });
  },
} satisfies ExportedHandler;

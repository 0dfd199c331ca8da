/** Secrets sealed in the control database: opened for each request, never kept. */
import { open } from "./envelope.ts";
import type { SecretProvider } from "./secret-provider.ts";

export const envelopeProvider: SecretProvider<"envelope"> = {
  cached: false,
  open: (location, settings, context) => open(location.sealed, settings.keks, context),
};

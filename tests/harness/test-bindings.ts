/** Variables and throw-away secrets for tests inside workerd. Nothing here opens anything outside a test. */
import { mintSecrets } from "../../scripts/dev-vars.ts";

/** Minted once per test run, so that a project's Worker and the proxy beside it share peppers and keys. */
const secrets = mintSecrets();

export function testBindings(): Record<string, string> {
  return {
    ...secrets,
    RELAYKEY_LOCAL: "true",
    ALLOW_PRIVATE_UPSTREAMS: "true",
    PROXY_ORIGIN: "http://localhost:8787",
    ADMIN_ORIGIN: "http://localhost:8788",
    PROXY_DOMAIN: "localhost",
    MAIL_PROVIDER: "mailbox",
    MAIL_FROM: "relaykey@localhost",
  };
}

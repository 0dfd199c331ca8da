/** What the catalogue's tests share: a value for each variable, and every connection that an entry can make. */
import { connectionDefaults } from "./choices.ts";
import type { Vendor } from "./vendor.ts";

export const VALUES: Record<string, string> = {
  hostname: "github.example.com",
  subdomain: "octocorp",
  shop: "my-store",
  mydomain: "acme",
  account: "acme",
  client_id: "abc123",
  user_id: "42",
  scope: "users:read contacts:read",
  service_user: "SERVICE-1",
  sid: `AC${"0".repeat(32)}`,
  email: "ops@example.com",
  header_name: "X-Api-Key",
  parameter: "api_key",
  username: "api",
  app: "my-app",
};

/** Every combination of region and way to authenticate. */
export function everyConnection(vendor: Vendor) {
  const regions = vendor.regions.length === 0 ? [undefined] : vendor.regions.map((region) => region.id);
  return regions.flatMap((region) =>
    vendor.auth.map((option) => ({
      option,
      made: connectionDefaults(
        vendor,
        { auth: option.id, variables: VALUES, ...(region === undefined ? {} : { region }) },
        vendor.baseUrl === null ? "https://api.example.com" : null,
      ),
    })),
  );
}

/**
 * Who Cloudflare Access let in: its signed assertion, checked against the team's keys and this application's audience.
 * Off unless both are configured. The plain e-mail header that Access also sends is never read: anyone could send it.
 */
import { verifyIdentityToken } from "./oidc.ts";

export interface AccessEnv {
  /** `team.cloudflareaccess.com` */
  readonly ACCESS_TEAM_DOMAIN?: string;
  /** The application's audience tag. */
  readonly ACCESS_AUD?: string;
}

/** The lower-case address, or null. */
export async function accessEmail(request: Request, env: AccessEnv): Promise<string | null> {
  const token = request.headers.get("cf-access-jwt-assertion");
  const domain = env.ACCESS_TEAM_DOMAIN ?? "";
  const audience = env.ACCESS_AUD ?? "";
  if (token === null || audience === "" || !/^[a-z0-9-]+\.cloudflareaccess\.com$/.test(domain)) return null;
  const issuer = `https://${domain}`;
  const verified = await verifyIdentityToken(
    token,
    { issuer, audience, jwksUrl: `${issuer}/cdn-cgi/access/certs`, maxAgeSeconds: null, nowMs: Date.now() },
    { fetch: (outgoing) => fetch(outgoing), allowPrivate: false },
  );
  if (!verified.ok) return null;
  const email = verified.value["email"];
  return typeof email === "string" ? email.toLowerCase() : null;
}

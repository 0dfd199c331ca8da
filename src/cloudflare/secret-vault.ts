/**
 * HashiCorp Vault and OpenBao, KV version 2: `GET /v1/{mount}/data/{path}` with `X-Vault-Token`, and `X-Vault-Namespace`
 * where there are namespaces. The current version of the secret is read.
 */
import { askProvider, member, SecretUnavailable, type SecretProvider } from "./secret-provider.ts";

export const vaultProvider: SecretProvider<"vault"> = {
  cached: true,
  async open(location, settings) {
    const { vault } = settings;
    if (vault === null) throw new SecretUnavailable("vault", "not configured");
    const headers = new Headers({ "x-vault-token": vault.token, "x-vault-request": "true" });
    if (vault.namespace !== null) headers.set("x-vault-namespace", vault.namespace);
    const url = `${vault.address.replace(/\/+$/, "")}/v1/${escaped(location.mount)}/data/${escaped(location.path)}`;
    const answer = await askProvider("vault", new Request(url, { headers }), settings);
    const value = member(member(member(answer, "data"), "data"), location.field);
    if (typeof value !== "string" || value === "") throw new SecretUnavailable("vault", "the field is missing");
    return value;
  },
};

/** Each segment is escaped, so that a stored path cannot leave its mount or reach another endpoint. */
function escaped(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.length === 0 || segments.some((segment) => segment === "." || segment === "..")) {
    throw new SecretUnavailable("vault", "the path is not valid");
  }
  return segments.map(encodeURIComponent).join("/");
}

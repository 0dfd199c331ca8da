/**
 * Stands in for wrangler and the account behind it, in a file: databases, queues, buckets, Workers and the names of their secrets.
 * Started by the deployment script through RELAYKEY_WRANGLER. FAKE_ACCOUNT names the file; FAKE_FAIL makes a command fail that contains it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export interface FakeAccount {
  readonly calls: string[];
  readonly databases: { readonly name: string; readonly uuid: string }[];
  readonly queues: string[];
  readonly buckets: string[];
  readonly migrated: string[];
  /** Per Worker: value by secret name. */
  readonly secrets: Record<string, Record<string, string>>;
  readonly deployed: string[];
}

export function emptyAccount(): FakeAccount {
  return { calls: [], databases: [], queues: [], buckets: [], migrated: [], secrets: {}, deployed: [] };
}

function run(account: FakeAccount, args: readonly string[]): string | null {
  const [first = "", second = "", third = "", fourth = ""] = args;
  const after = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
  switch (`${first} ${second}`) {
    case "whoami --json":
      return "{}";
    case "d1 list":
      return JSON.stringify(account.databases);
    case "d1 create":
      account.databases.push({ name: third, uuid: `00000000-0000-4000-8000-00000000000${account.databases.length}` });
      return "created";
    case "d1 migrations":
      account.migrated.push(fourth);
      return "ok";
    case "queues info":
      return account.queues.includes(third) ? "ok" : null;
    case "queues create":
      account.queues.push(third);
      return "ok";
    case "r2 bucket":
      if (third === "create") account.buckets.push(fourth);
      return account.buckets.includes(fourth) ? "ok" : null;
    case "secret list": {
      const secrets = account.secrets[after("--name")];
      return secrets === undefined
        ? null
        : JSON.stringify(Object.keys(secrets).map((name) => ({ name, type: "secret_text" })));
    }
    default:
      return first === "deploy" ? deploy(account, `relaykey-${after("--env")}`, args, after) : null;
  }
}

function deploy(account: FakeAccount, name: string, args: readonly string[], after: (flag: string) => string): string {
  const given: Record<string, string> = args.includes("--secrets-file")
    ? JSON.parse(readFileSync(after("--secrets-file"), "utf8"))
    : {};
  account.secrets[name] = { ...account.secrets[name], ...given };
  account.deployed.push(name);
  return `Deployed ${name}\n  https://${name}.example-team.workers.dev`;
}

if (import.meta.main) {
  const path = process.env["FAKE_ACCOUNT"] ?? "";
  const account: FakeAccount = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : emptyAccount();
  const args = process.argv.slice(2);
  const line = args.join(" ");
  account.calls.push(line);
  const failing = process.env["FAKE_FAIL"];
  const answer = failing !== undefined && line.includes(failing) ? null : run(account, args);
  writeFileSync(path, JSON.stringify(account));
  if (answer === null) {
    console.error("✘ [ERROR] not found");
    process.exitCode = 1;
  } else {
    console.log(answer);
  }
}

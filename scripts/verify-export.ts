/**
 * Checks an NDJSON export of the audit: `npx node scripts/verify-export.ts FILE [PUBLIC_KEY]`. Needs nothing but the file and,
 * to trust the signatures, the deployment's public key (`GET /api/v1/audit-key`) from another source than the file.
 * It reads the whole file at once: of a very large audit, export credential by credential, or by time.
 */
import { readFileSync, statSync } from "node:fs";
import { checkpointVerifier } from "../src/cloudflare/checkpoint-signer.ts";
import { parseExport, verifyExport, type ExportFault } from "../src/domain/export-verify.ts";

/** Longer than a string can be. */
const MAX_FILE_BYTES = 500_000_000;

const [path, givenKey] = process.argv.slice(2);
if (path === undefined) {
  console.error("Name the file: npx node scripts/verify-export.ts FILE [PUBLIC_KEY]");
  process.exit(2);
}
process.exitCode = await run(path, givenKey);

async function run(file: string, key: string | undefined): Promise<number> {
  const bytes = statSync(file).size;
  if (bytes > MAX_FILE_BYTES) {
    console.error(
      `The file has ${bytes} bytes, at most ${MAX_FILE_BYTES} can be checked at once: export by credential_id, or by from and to`,
    );
    return 2;
  }
  const parsed = parseExport(readFileSync(file, "utf8"));
  if (!parsed.ok) return failed(parsed.error);
  const publicKey = key ?? parsed.value.key?.publicKey;
  if (publicKey === undefined) {
    console.error("The export names no key: give the public key as the second argument");
    return 2;
  }
  const verified = await verifyExport(parsed.value, checkpointVerifier(publicKey));
  if (!verified.ok) return failed(verified.error);
  const { events, credentials, checkpoints, unchained, begunLater, narrowedBy } = verified.value;
  console.log(`${events} events of ${credentials} credentials: none is missing, none was altered`);
  if (narrowedBy.length > 0)
    console.log(
      `filtered by ${narrowedBy.join(", ")}: that none is missing says the signed statement, not the sequence`,
    );
  console.log(`${checkpoints} signed heads fit${key === undefined ? " (key taken from the file itself)" : ""}`);
  if (unchained > 0) console.log(`${unchained} refusals before authentication have no chain`);
  for (const id of begunLater) console.log(`${id} begins later: what came before is not in this export`);
  return 0;
}

function failed(fault: ExportFault): number {
  console.error(`Not verified: ${JSON.stringify(fault)}`);
  return 1;
}

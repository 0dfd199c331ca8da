/**
 * AWS Secrets Manager: `GetSecretValue` over JSON 1.1, signed with Signature Version 4. The current version (AWSCURRENT) is
 * read; a `field` picks one member of a secret that is a JSON object.
 */
import { AwsV4Signer } from "aws4fetch";
import { askProvider, member, SecretUnavailable, type SecretProvider } from "./secret-provider.ts";

export const awsProvider: SecretProvider<"aws_secrets_manager"> = {
  cached: true,
  async open(location, settings) {
    const { aws } = settings;
    if (aws === null) throw new SecretUnavailable("aws_secrets_manager", "not configured");
    const signer = new AwsV4Signer({
      method: "POST",
      url: aws.endpoint ?? `https://secretsmanager.${aws.region}.amazonaws.com/`,
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue" },
      body: JSON.stringify({ SecretId: location.secretId }),
      accessKeyId: aws.accessKeyId,
      secretAccessKey: aws.secretAccessKey,
      ...(aws.sessionToken === null ? {} : { sessionToken: aws.sessionToken }),
      service: "secretsmanager",
      region: aws.region,
      // `YYYYMMDD'T'HHMMSS'Z'`, from the clock that was given.
      datetime: new Date(settings.nowMs()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
    });
    const { method, url, headers, body } = await signer.sign();
    const request = new Request(url, { method, headers, body: body ?? null });
    const text = member(await askProvider("aws_secrets_manager", request, settings), "SecretString");
    if (typeof text !== "string" || text === "") throw new SecretUnavailable("aws_secrets_manager", "no text secret");
    return location.field === null ? text : picked(text, location.field);
  },
};

function picked(text: string, field: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null; // The parser's message quotes the secret.
  }
  const value = member(parsed, field);
  if (typeof value !== "string" || value === "") {
    throw new SecretUnavailable("aws_secrets_manager", "the field is missing");
  }
  return value;
}

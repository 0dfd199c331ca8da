/** The CI systems whose identity tokens are known here: their issuers, and the claims by which their jobs are told apart. */

export interface KnownClaim {
  readonly name: string;
  /** What a new policy begins with; empty where only its writer can know. */
  readonly value: string;
  readonly placeholder: string;
  readonly hint: string;
  /** Prints the value. */
  readonly command?: string;
  /** A new policy begins with it; the others can be added. */
  readonly first: boolean;
}

export interface KnownIssuer {
  readonly id: "github" | "gitlab";
  readonly name: string;
  readonly summary: string;
  readonly issuer: string;
  readonly claims: readonly KnownClaim[];
}

/** Sources: GitHub Actions and GitLab CI documentation on OIDC claims. */
export const KNOWN_ISSUERS: readonly KnownIssuer[] = [
  {
    id: "github",
    name: "GitHub Actions",
    summary: "Workflows on github.com or your own host",
    issuer: "https://token.actions.githubusercontent.com",
    claims: [
      {
        name: "repository_id",
        value: "",
        placeholder: "123456789",
        hint: "Stays the same when the repository is renamed:",
        command: "gh api repos/acme/app --jq .id",
        first: true,
      },
      {
        name: "ref",
        value: "refs/heads/main",
        placeholder: "refs/heads/main",
        hint: "Branch or tag that the workflow runs on",
        first: true,
      },
      {
        name: "environment",
        value: "",
        placeholder: "production",
        hint: "The job’s environment, whose protection rules then guard this access too",
        first: false,
      },
      {
        name: "job_workflow_ref",
        value: "",
        placeholder: "acme/app/.github/workflows/deploy.yml@refs/heads/main",
        hint: "The workflow file, with the branch it is read from",
        first: false,
      },
    ],
  },
  {
    id: "gitlab",
    name: "GitLab CI",
    summary: "Pipelines on gitlab.com or your own host",
    issuer: "https://gitlab.com",
    claims: [
      {
        name: "project_id",
        value: "",
        placeholder: "12345678",
        hint: "Stays the same when the project is renamed; it stands on the project’s page",
        first: true,
      },
      {
        name: "ref_protected",
        value: "true",
        placeholder: "true",
        hint: "Only protected branches and tags",
        first: true,
      },
      { name: "ref", value: "", placeholder: "main", hint: "Branch or tag that the pipeline runs on", first: false },
      {
        name: "environment",
        value: "",
        placeholder: "production",
        hint: "The environment that the job deploys to",
        first: false,
      },
    ],
  },
];

/** By the issuer alone, letter for letter: whose name only looks alike is none of them. */
export function knownIssuer(issuer: string): KnownIssuer | null {
  return KNOWN_ISSUERS.find((each) => each.issuer === issuer.trim().replace(/\/$/, "")) ?? null;
}

/**
 * Which system's jobs a policy seems to be about, to help with its claims and its pipeline: on a host of one's own the
 * issuer has another name, and only the claims tell. Decides nothing about trust.
 */
export function likelySystem(issuer: string, claimNames: readonly string[]): KnownIssuer | null {
  return (
    knownIssuer(issuer) ??
    KNOWN_ISSUERS.find((each) => each.claims.some(({ name }) => claimNames.includes(name) && isOnlyOf(each, name))) ??
    null
  );
}

function isOnlyOf(system: KnownIssuer, claimName: string): boolean {
  return KNOWN_ISSUERS.every((each) => each === system || each.claims.every(({ name }) => name !== claimName));
}

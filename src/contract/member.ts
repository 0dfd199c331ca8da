/** Members, sessions and login on the wire. */
import * as z from "zod";
import { Email, Id, Name, Time } from "./fields.ts";
import { RoleName } from "./management-key.ts";

export const MemberId = Id("mem", "mem_0123456789abcdef");
/** A provisioner is a machine: it has a key and no login. */
export const MemberRole = z.enum(["owner", "admin", "auditor"]);

/** Without a name a member is called by the address. */
export const MemberCreate = z
  .strictObject({ email: Email, name: Name.optional(), role: MemberRole })
  .meta({ id: "MemberCreate" });

export const MemberPatch = z
  .strictObject({ name: Name.optional(), role: MemberRole.optional() })
  .meta({ id: "MemberPatch" });

export const Member = z
  .strictObject({
    id: MemberId,
    email: z.string(),
    name: z.string(),
    role: MemberRole,
    status: z.enum(["invited", "active", "removed"]),
    created_by: z.string(),
    created_at: Time,
    updated_at: Time,
    last_login_at: Time.nullable(),
  })
  .meta({ id: "Member" });
export type Member = z.infer<typeof Member>;

export const LoginLinkRequest = z.strictObject({ email: Email }).meta({ id: "LoginLinkRequest" });
/** The same answer for every address, so that nobody learns who is a member. */
export const LoginLinkAnswer = z.strictObject({ sent: z.literal(true) }).meta({ id: "LoginLinkAnswer" });

export const Session = z
  .strictObject({
    kind: z.enum(["management_key", "member", "exchange"]),
    id: z.string(),
    name: z.string(),
    role: RoleName,
    organisation: z.strictObject({ id: z.string(), name: z.string(), plan: z.string() }),
  })
  .meta({ id: "Session" });

/** Members: people who log in to the dashboard. Removing one ends their sessions in the same step. */
import * as z from "zod";
import { wireTime } from "../../../src/contract/fields.ts";
import { Member, MemberCreate, MemberId, MemberPatch } from "../../../src/contract/member.ts";
import { PAGE_QUERY, pageOf } from "../../../src/contract/page.ts";
import { notFound, type AdminProblem } from "../../../src/contract/problem.ts";
import { err } from "../../../src/domain/result.ts";
import {
  isFailedGuard,
  isUniqueViolation,
  onlyChanged,
  runBatch,
  type Statement,
} from "../../../src/store/control-db.ts";
import {
  countMembers,
  findMember,
  findMemberByEmail,
  guardMembers,
  guardOtherOwner,
  guardPresent,
  guardRemoved,
  insertMember,
  listMembers,
  revokeSessionsOf,
  updateMember,
  type MemberRow,
} from "../../../src/store/members.ts";
import { reply } from "../answer.ts";
import { freshId, recordChange } from "../changes.ts";
import { pageBody, pageRequest } from "../pages.ts";
import { checkRoom, noRoom } from "../plan-limit.ts";
import { defineRoute, OWNER, READERS, type Outcome, type Route, type RouteContext } from "../route.ts";

const PATH = "/api/v1/members";
const ONE = z.strictObject({ member_id: MemberId });
const KNOWN: AdminProblem = {
  code: "conflict",
  detail: "email: Is a member already",
  errors: [{ field: "email", message: "Is a member already" }],
};
const LAST_OWNER: AdminProblem = { code: "conflict", detail: "This is the last owner among the members" };

const createMember = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "createMember",
  tag: "Members",
  summary: "Invite somebody; they log in with a link that is mailed when they ask for it",
  roles: OWNER,
  body: MemberCreate,
  responses: { 201: Member },
  async handler(context, { body }): Promise<Outcome> {
    const email = body.email.toLowerCase();
    const known = await findMemberByEmail(context.db, context.organisationId, email);
    if (known !== null && known.status !== "removed") return err(KNOWN);
    const room = await checkRoom(context, "members", await countMembers(context.db, context.organisationId));
    if (!room.ok) return room;
    const fresh = { name: body.name ?? email, role: body.role, status: "invited" as const, updatedAtMs: context.nowMs };
    const guards = [
      ...(room.value === null ? [] : [guardMembers(context.db, context.organisationId, room.value)]),
      ...(known === null ? [] : [guardRemoved(context.db, known)]),
    ];
    const row: MemberRow = {
      id: freshId(context, "mem"),
      organisationId: context.organisationId,
      email,
      ...fresh,
      createdBy: context.caller.id,
      createdAtMs: context.nowMs,
      lastLoginAtMs: null,
    };
    try {
      if (known !== null) return await store(context, known, fresh, 201, guards);
      await runBatch(context.db, [
        ...guards,
        insertMember(context.db, row),
        recordChange(context, { targetType: "member", targetId: row.id, before: null, after: memberView(row) }),
      ]);
      return reply(201, memberView(row));
    } catch (cause) {
      return notInvited(context, cause, email, room.value);
    }
  },
});

const listAllMembers = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "listMembers",
  tag: "Members",
  summary: "List members, newest first",
  roles: READERS,
  query: z.strictObject(PAGE_QUERY),
  responses: { 200: pageOf(Member) },
  async handler(context, { query }): Promise<Outcome> {
    const rows = await listMembers(context.db, context.organisationId, pageRequest(query));
    return reply(
      200,
      pageBody(rows, query.limit, (row) => row.createdAtMs, memberView),
    );
  },
});

const getMember = defineRoute({
  method: "GET",
  path: `${PATH}/:member_id`,
  operationId: "getMember",
  tag: "Members",
  summary: "Read one member",
  roles: READERS,
  params: ONE,
  responses: { 200: Member },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findMember(context.db, context.organisationId, params.member_id);
    return row === null ? err(notFound("member")) : reply(200, memberView(row));
  },
});

const changeMember = defineRoute({
  method: "PATCH",
  path: `${PATH}/:member_id`,
  operationId: "changeMember",
  tag: "Members",
  summary: "Change a member's name or role; a new role holds at once",
  roles: OWNER,
  params: ONE,
  body: MemberPatch,
  responses: { 200: Member },
  async handler(context, { params, body }): Promise<Outcome> {
    const row = await findMember(context.db, context.organisationId, params.member_id);
    if (row === null || row.status === "removed") return err(notFound("member"));
    const role = body.role ?? row.role;
    const change = { name: body.name ?? row.name, role, updatedAtMs: context.nowMs };
    return storeGuarded(context, row, change, ownerRemains(context, row, role === "owner"));
  },
});

const removeMember = defineRoute({
  method: "DELETE",
  path: `${PATH}/:member_id`,
  operationId: "removeMember",
  tag: "Members",
  summary: "Remove a member and end their sessions",
  roles: OWNER,
  params: ONE,
  responses: { 204: null },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findMember(context.db, context.organisationId, params.member_id);
    if (row === null || row.status === "removed") return err(notFound("member"));
    const ended = revokeSessionsOf(context.db, context.organisationId, row.id, context.nowMs);
    const first = [...ownerRemains(context, row, false), ended];
    const stored = await storeGuarded(context, row, { status: "removed", updatedAtMs: context.nowMs }, first);
    return stored.ok ? reply(204) : stored;
  },
});

const endMemberSessions = defineRoute({
  method: "POST",
  path: `${PATH}/:member_id/revoke-sessions`,
  operationId: "revokeMemberSessions",
  tag: "Members",
  summary: "End all sessions of a member",
  roles: OWNER,
  params: ONE,
  responses: { 200: Member },
  async handler(context, { params }): Promise<Outcome> {
    const row = await findMember(context.db, context.organisationId, params.member_id);
    if (row === null) return err(notFound("member"));
    const ended = revokeSessionsOf(context.db, context.organisationId, row.id, context.nowMs);
    return store(context, row, { updatedAtMs: context.nowMs }, 200, [ended]);
  },
});

export const MEMBER_ROUTES: readonly Route[] = [
  createMember,
  listAllMembers,
  getMember,
  changeMember,
  removeMember,
  endMemberSessions,
];

/** Why an invitation could not be stored: somebody else invited them, or the last place was taken. */
async function notInvited(context: RouteContext, cause: unknown, email: string, max: number | null): Promise<Outcome> {
  if (isUniqueViolation(cause)) return err(KNOWN);
  if (!isFailedGuard(cause)) throw cause;
  const known = await findMemberByEmail(context.db, context.organisationId, email);
  return err(known === null || known.status === "removed" ? noRoom("members", max ?? 0) : KNOWN);
}

/** `first` runs before the change itself, as guards must. */
async function store(
  context: RouteContext,
  before: MemberRow,
  change: Partial<Omit<MemberRow, "id" | "organisationId">>,
  status: number,
  first: readonly Statement[],
): Promise<Outcome> {
  const after = memberView({ ...before, ...change });
  await runBatch(context.db, [
    ...first,
    updateMember(context.db, context.organisationId, before.id, {
      ...onlyChanged(before, change),
      updatedAtMs: context.nowMs,
    }),
    recordChange(context, { targetType: "member", targetId: before.id, before: memberView(before), after }),
  ]);
  return reply(status, after);
}

/** The change of a member who must not have been removed meanwhile. */
async function storeGuarded(
  context: RouteContext,
  row: MemberRow,
  change: Partial<Omit<MemberRow, "id" | "organisationId">>,
  first: readonly Statement[],
): Promise<Outcome> {
  const { db, organisationId } = context;
  try {
    return await store(context, row, change, 200, [guardPresent(db, organisationId, row.id), ...first]);
  } catch (cause) {
    if (!isFailedGuard(cause)) throw cause;
    const now = await findMember(db, organisationId, row.id);
    return err(now === null || now.status === "removed" ? notFound("member") : LAST_OWNER);
  }
}

/** A member may not remove the last owner among the members, unless the owner's own key does it. */
function ownerRemains(context: RouteContext, row: MemberRow, staysOwner: boolean): Statement[] {
  if (row.role !== "owner" || staysOwner || context.caller.kind !== "member") return [];
  return [guardOtherOwner(context.db, context.organisationId, row.id)];
}

function memberView(row: MemberRow): Member {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    status: row.status,
    created_by: row.createdBy,
    created_at: wireTime(row.createdAtMs),
    updated_at: wireTime(row.updatedAtMs),
    last_login_at: wireTime(row.lastLoginAtMs),
  };
}

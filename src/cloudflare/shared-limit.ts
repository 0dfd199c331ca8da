/** A limit shared by many credentials: see `src/domain/pool.ts`. */
import { DurableObject } from "cloudflare:workers";
import type { LeaseReply, LeaseReport, LeaseRequest, LimitPool, PoolLimitStatus, PoolTerms, ReportReply } from "../domain/lease.ts";

export class SharedLimit extends DurableObject implements LimitPool {
  lease(_request: LeaseRequest): Promise<LeaseReply> {
    return Promise.reject(new Error("Not built yet"));
  }
  report(_gateId: string, _reports: readonly LeaseReport[]): Promise<ReportReply> {
    return Promise.reject(new Error("Not built yet"));
  }
  inspect(_terms: PoolTerms): Promise<PoolLimitStatus[]> {
    return Promise.reject(new Error("Not built yet"));
  }
}

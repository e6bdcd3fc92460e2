import type { DataKind } from './data-kinds.ts'

/** What has changed since: for those who keep what they made of the state. */
export interface DataVersions {
  /** Names the installation: 32 hex digits that no other has, over all its starts. */
  readonly installation: string
  /**
   * A text that is another one after every committed write to one of these, by whichever thread or process. Read it *before* the
   * data: what is read afterwards is of this version or later. One point read, without a lock.
   */
  read(kinds: readonly DataKind[]): Promise<string>
  /**
   * Begins an era, and resolves with its name, which no other state and no other time has: what was kept under the texts
   * before is not found any more, also when this file is a copy from earlier that was put back. For each start of a platform.
   */
  renew(): Promise<string>
}

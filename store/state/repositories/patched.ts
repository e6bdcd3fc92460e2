import { isDeepStrictEqual } from 'node:util'
import type { Patch } from '../records.ts'

/** The record with what the patch defines; undefined when that changes nothing, so nothing is to be recorded. */
export function patched<Record extends object>(record: Record, patch: Patch<NoInfer<Record>>): Record | undefined {
  const defined = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  const after = { ...record, ...defined }
  return isDeepStrictEqual(after, record) ? undefined : after
}

/** A zod check for queries with `from` and `to`: the range must hold something. */
export function checkRange(payload: {
  readonly value: { readonly from?: number | undefined; readonly to?: number | undefined }
  readonly issues: { push(issue: { code: 'custom'; path: string[]; message: string; input: unknown }): unknown }
}): void {
  const { from, to } = payload.value
  if (from !== undefined && to !== undefined && from >= to)
    payload.issues.push({ code: 'custom', path: ['from'], message: 'must be before to', input: payload.value })
}

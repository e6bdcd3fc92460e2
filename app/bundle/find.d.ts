export const root: URL
export const bundles: URL
export function digestOf(files: readonly string[]): string
export function findBundle(): string | undefined

import type { Method } from './route.ts'

interface MethodAndPath {
  readonly method: Method
  readonly path: string
}

/** Which methods a path has, for `Allow`; empty for a path that has none. */
export function createMethodTable(routes: readonly MethodAndPath[]): (path: string) => readonly string[] {
  const byPath = Map.groupBy(routes, (route) => route.path)
  const rows = [...byPath].map(([path, ofPath]) => {
    const methods = ofPath.map(({ method }) => method.toUpperCase())
    return {
      // Every character that means something in a pattern is escaped but the braces' own levels.
      pattern: new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      methods: methods.includes('GET') ? ['HEAD', ...methods] : methods,
    }
  })
  return (path) =>
    [...new Set(rows.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].sort()
}

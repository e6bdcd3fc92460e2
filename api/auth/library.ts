import { AppError, isAppError } from '../../model/index.ts'
import type { Library, LibraryConfig, LibraryDeps } from './better-auth.ts'

/** The library said no. */
export class LibraryRefusal extends Error {
  /** Its own name of the reason: `INVALID_CODE`. */
  readonly code: string

  constructor(code: string) {
    super(`the account library refused: ${code}`)
    this.name = 'LibraryRefusal'
    this.code = code
  }
}

/**
 * Runs `work` with the library, which is loaded when it is first asked; what it throws is a LibraryRefusal or an AppError. Whoever
 * comes over TLS gets cookies that are for TLS only, so there are two of it.
 */
export type AskLibrary = <Result>(
  caller: { readonly secure: boolean },
  work: (library: Library) => Promise<Result>,
) => Promise<Result>

export function createAskLibrary(config: Omit<LibraryConfig, 'secureCookies'>, deps: LibraryDeps): AskLibrary {
  const loading = new Map<boolean, Promise<Library>>()

  async function load(secureCookies: boolean): Promise<Library> {
    const { createLibrary } = await import('./better-auth.ts')
    const library = createLibrary({ ...config, secureCookies }, deps)
    await library.$context
    return library
  }

  return async ({ secure }, work) => {
    const loaded = loading.get(secure) ?? load(secure)
    loading.set(secure, loaded)
    let library: Library
    try {
      library = await loaded
    } catch (error) {
      loading.delete(secure)
      throw error
    }
    try {
      return await work(library)
    } catch (error) {
      throw translated(error)
    }
  }
}

/** Its own error class is not imported, for that would load it. */
function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'APIError' || !('statusCode' in error)) return error
  // It wraps what our own tables throw.
  if (isAppError(error.cause)) return error.cause
  const body = 'body' in error && typeof error.body === 'object' ? error.body : null
  const code = body !== null && 'code' in body ? String(body.code) : 'UNKNOWN'
  return Number(error.statusCode) < 500
    ? new LibraryRefusal(code)
    : new AppError('internal', `ask the account library failed: ${error.message}`, { cause: error })
}

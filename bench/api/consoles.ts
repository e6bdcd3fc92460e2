import { setTimeout as delay } from 'node:timers/promises'
import { type Ask, type ConsolePage, devicePage, overview } from './console-mix.ts'
import type { Site } from './estate.ts'
import type { ApiClient } from './http-client.ts'

/** How often an open page asks again, as a browser's timer: by the client, between these two. */
const refreshMs = { shortest: 1_000, longest: 2_000 }
/** Then its user goes on to another page. */
const refreshesOfPage = 12

export interface Sample {
  readonly what: string
  /** From when it was meant to begin until the whole answer was there. */
  readonly ms: number
  readonly failure: string | undefined
}

export interface Console {
  readonly client: ApiClient
  readonly site: Site
  /** Among its like: whoever has the same looks at the same device, as people do. */
  readonly number: number
}

/**
 * Lets a console be looked at until `signal` says that it is enough. Each refresh begins when it is its time, whether or not
 * the one before has been answered, and its requests all at once; an answer is late from that moment on.
 */
export async function watchConsole(
  { client, site, number }: Console,
  onSample: (sample: Sample) => void,
  signal: AbortSignal,
): Promise<void> {
  const everyMs = refreshMs.shortest + ((number * 377) % (refreshMs.longest - refreshMs.shortest))
  const running = new Set<Promise<void>>()
  let dueMs = performance.now() + ((number * 731) % everyMs)
  for (let tick = number; ; tick++) {
    await delay(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => undefined)
    if (signal.aborted) break
    const page = pageOf(site, Math.floor(tick / refreshesOfPage))
    const nowMs = Date.now()
    const asks = [...(tick % refreshesOfPage === 0 ? page.opened(nowMs) : []), ...page.refreshed(nowMs)]
    for (const ask of asks) {
      const asked = askOnce(client, ask, dueMs).then(onSample)
      running.add(asked)
      void asked.finally(() => running.delete(asked))
    }
    dueMs += everyMs
  }
  await Promise.all(running)
}

/** Overview and devices by turns. */
function pageOf(site: Site, turn: number): ConsolePage {
  const device = site.watched[Math.floor(turn / 2) % site.watched.length]
  return turn % 2 === 0 || device === undefined ? overview(site) : devicePage(site, device)
}

async function askOnce(client: ApiClient, { what, path }: Ask, dueMs: number): Promise<Sample> {
  const failure = await client.get(path).then(
    (status) => ((status >= 200 && status < 300) || status === 304 ? undefined : `${status} of ${path}`),
    (error: unknown) => `${error instanceof Error ? error.message : String(error)} of ${path}`,
  )
  return { what, ms: performance.now() - dueMs, failure }
}

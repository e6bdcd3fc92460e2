// The API as this page uses it, with the session of whoever is signed in, or with a key. That lives in the tab; the server never
// sees it in an address.

const stored = 'pelbiot-key'

/**
 * `/#key=…` opens the page signed in, and `&mail=…` at that mail; the fragment goes at once, so that the key is neither
 * shown nor kept in the history.
 */
export function takeFragment() {
  const given = new URLSearchParams(location.hash.slice(1))
  const key = given.get('key')
  if (key !== null) {
    sessionStorage.setItem(stored, key)
    history.replaceState(null, '', location.pathname)
  }
  return { mail: given.get('mail') }
}

export function forgetKey() {
  sessionStorage.removeItem(stored)
}

async function call(path, options = {}) {
  const key = sessionStorage.getItem(stored)
  const headers = { ...options.headers, ...(key !== null && { authorization: `Bearer ${key}` }) }
  const response = await fetch(`/api/v1${path}`, { ...options, headers, signal: AbortSignal.timeout(10_000) })
  if (response.ok) return response
  const problem = await response.json().catch(() => ({}))
  const { status } = response
  throw Object.assign(new Error(problem.detail ?? `status ${status}`), { status, code: problem.code })
}

export async function read(path) {
  return (await call(path)).json()
}

/** Every page of a list, at most ten. */
export async function readAll(path) {
  const items = []
  let cursor = null
  for (let pages = 0; pages < 10; pages++) {
    const query = `${path.includes('?') ? '&' : '?'}limit=1000${cursor === null ? '' : `&cursor=${cursor}`}`
    const page = await read(path + query)
    items.push(...page.items)
    cursor = page.nextCursor
    if (!cursor) break
  }
  return items
}

export async function readText(path) {
  return (await call(path)).text()
}

export async function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  const text = await (await call(path, { method: 'POST', headers, body: JSON.stringify(body) })).text()
  return text === '' ? undefined : JSON.parse(text)
}

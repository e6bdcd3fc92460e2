/** An answer of the API; without a body it is a question. Throws an error with the problem's words, status and fields. */
export async function ask(path, body) {
  const response = await fetch(`/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  const answer = text === '' ? {} : JSON.parse(text)
  if (response.ok) return answer
  const { detail = `The platform answered ${response.status}.`, errors = [] } = answer
  throw Object.assign(new Error(detail), { status: response.status, errors })
}

/** `#token=…` of a link, `#next=/…` of a page that asked for a sign-in, `#error=…` of a provider that did not let somebody in, `#step=enable` where a second factor is demanded; gone from the address and the history at once. */
export function takeFragment() {
  const given = new URLSearchParams(location.hash.slice(1))
  if (location.hash !== '') history.replaceState(null, '', location.pathname)
  const next = given.get('next') ?? '/'
  const isOurs = new URL(next, location.origin).origin === location.origin && /^\/(?![/\\])/.test(next)
  return { token: given.get('token'), error: given.get('error'), step: given.get('step'), next: isOurs ? next : '/' }
}

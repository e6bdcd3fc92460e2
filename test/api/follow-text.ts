/** An answer that goes on: what has come of it is in `text`, until `stop`. */
export async function followText(url: string, headers: Readonly<Record<string, string>>) {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const stream = {
    status: response.status,
    headers: response.headers,
    text: '',
    ended: false,
    stop: () => abort.abort(),
  }
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) stream.text += decoder.decode(chunk, { stream: true })
  })()
  reading
    .catch(() => {})
    .finally(() => {
      stream.ended = true
    })
  return stream
}

/**
 * JSON as devices write it: RFC 8259, and the bare words NaN, Infinity and -Infinity, which Python's `json` and many
 * printf-made payloads contain. They come out as infinite numbers, to be refused one by one, so that the good values
 * beside them are kept. `message`: not JSON, and where.
 */
export function parseDeviceJson(text: string): { readonly value: unknown } | { readonly message: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const mended = text.includes('NaN') || text.includes('Infinity') ? mendBareWords(text) : text
    if (mended !== text) {
      try {
        return { value: JSON.parse(mended) }
      } catch {
        // The first error speaks of what the device sent.
      }
    }
    return { message: error instanceof Error ? error.message : String(error) }
  }
}

/** By hand and not by a pattern: a pattern's stack may not last for a string of megabytes. */
function mendBareWords(text: string): string {
  const pieces: string[] = []
  let taken = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === '\\') at++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === 'N' || char === 'I') {
      const word = char === 'N' ? 'NaN' : 'Infinity'
      if (!text.startsWith(word, at)) continue
      // A sign before it stays where it is.
      pieces.push(text.slice(taken, at), '1e999')
      at += word.length - 1
      taken = at + 1
    }
  }
  pieces.push(text.slice(taken))
  return pieces.join('')
}

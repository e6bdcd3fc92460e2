/**
 * JSON as devices write it: RFC 8259, and the bare words NaN, Infinity and -Infinity, which Python's `json` and many
 * printf-made payloads contain. They come out as infinite numbers, to be refused one by one, so that the good values
 * beside them are kept. Undefined: not JSON (`message` says where).
 */
export function parseDeviceJson(text: string): { readonly value: unknown } | { readonly message: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const mended = mendBareWords(text)
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

/** A string is taken whole, so that words in it are left alone. */
const stringOrBareWord = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|-?\bNaN\b/g

function mendBareWords(text: string): string {
  return text.replace(stringOrBareWord, (token) => {
    if (token.startsWith('"')) return token
    return token.startsWith('-') ? '-1e999' : '1e999'
  })
}

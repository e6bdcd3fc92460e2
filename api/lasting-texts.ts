import { createKeptValues } from '../store/cache/index.ts'
import type { Lasting } from './lasting.ts'

/** What was written of readings that last, so that it is written once. */
export interface LastingTexts {
  /**
   * The texts of all of them, in order; `write` writes the i-th one. `what` says in which of several ways: under the same name the same
   * is written of the same.
   */
  of(lasting: readonly Lasting[] | undefined, what: string, all: Written): string[]
}

export interface Written {
  readonly length: number
  write(i: number): string
}

/** Of all texts together; a number has some ten characters, a bucket with all that belongs to it two hundred. */
const keptChars = 16_000_000
/** What a text costs beside its characters, about. */
const charsOfEach = 24

interface Texts {
  readonly texts: (string | undefined)[]
  chars: number
}

export function createLastingTexts(): LastingTexts {
  const kept = createKeptValues<Texts>({
    maxSize: keptChars,
    sizeOf: ({ texts, chars }) => 1 + chars + texts.length * charsOfEach,
  })

  function writeAll({ key, from, length, final }: Lasting, what: string, write: (i: number) => string): string[] {
    const textsKey = `${what} ${key}`
    const known = kept.get(textsKey) ?? { texts: [], chars: 0 }
    let isMore = false
    while (known.texts.length < from + final) known.texts.push(undefined)
    const written: string[] = []
    for (let i = 0; i < length; i++) {
      let text = known.texts[from + i]
      if (text === undefined || i >= final) {
        text = write(i)
        if (i < final) {
          known.texts[from + i] = text
          known.chars += text.length
          isMore = true
        }
      }
      written.push(text)
    }
    // Once more, for its size.
    if (isMore) kept.set(textsKey, known)
    return written
  }

  return {
    of(lasting, what, { length, write }) {
      if (lasting === undefined) return Array.from({ length }, (_, i) => write(i))
      let at = 0
      return lasting.flatMap((part) => {
        const first = at
        at += part.length
        return writeAll(part, what, (i) => write(first + i))
      })
    },
  }
}

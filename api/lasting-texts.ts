import { createKeptValues } from '../store/cache/index.ts'
import type { Lasting } from './lasting.ts'

/** What was written of readings that last, so that it is written once. */
export interface LastingTexts {
  /**
   * The texts of all of them, in order, with commas between; what has none is left out. `what` says in which of several ways: under the
   * same name the same is written of the same.
   */
  list(lasting: readonly Lasting[] | undefined, what: string, all: Written): string
}

export interface Written {
  readonly length: number
  /** The text of the i-th; '': it has none. */
  write(i: number): string
}

/** Of all texts together; a number has some ten characters, a bucket with all that belongs to it two hundred. */
const keptChars = 16_000_000
/** What a text costs beside its characters, about. */
const charsOfEach = 24

interface Texts {
  /** By index in the chunk, as far as somebody wanted them. */
  readonly each: (string | undefined)[]
  chars: number
  /** The last ones that were wanted together: mostly they are wanted again, and what has come since. */
  run: { readonly from: number; readonly to: number; readonly text: string }
}

export function createLastingTexts(): LastingTexts {
  const kept = createKeptValues<Texts>({
    maxSize: keptChars,
    sizeOf: ({ each, chars, run }) => 1 + chars + run.text.length + each.length * charsOfEach,
  })

  /** Those that stay as they are. */
  function lastingPart({ key, from, final }: Lasting, what: string, write: (i: number) => string): string {
    const textsKey = `${what} ${key}`
    const texts = kept.get(textsKey) ?? { each: [], chars: 0, run: { from, to: from, text: '' } }
    const to = from + final
    const { run } = texts
    const isMore = run.from === from && run.to <= to
    if (isMore && run.to === to) return run.text
    while (texts.each.length < to) texts.each.push(undefined)
    const more: string[] = []
    for (let at = isMore ? run.to : from; at < to; at++) {
      let text = texts.each[at]
      if (text === undefined) {
        text = write(at - from)
        texts.each[at] = text
        texts.chars += text.length
      }
      more.push(text)
    }
    const text = joined(isMore ? [run.text, ...more] : more)
    texts.run = { from, to, text }
    // Each time, for its size.
    kept.set(textsKey, texts)
    return text
  }

  return {
    list(lasting, what, { length, write }) {
      if (lasting === undefined) return joined(Array.from({ length }, (_, i) => write(i)))
      let first = 0
      const parts = lasting.flatMap((part) => {
        const before = first
        first += part.length
        const rest = Array.from({ length: part.length - part.final }, (_, i) => write(before + part.final + i))
        return [lastingPart(part, what, (i) => write(before + i)), ...rest]
      })
      return joined(parts)
    },
  }
}

function joined(texts: readonly string[]): string {
  return (texts.includes('') ? texts.filter((text) => text !== '') : texts).join()
}

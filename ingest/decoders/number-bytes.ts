/** So many digits always fit a double's 53 bits, and a double holds the powers of ten up to there exactly. */
const exactDigits = 15
const powersOfTen = Float64Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i)
const json = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

const zero = 0x30
const nine = 0x39
const minus = 0x2d
const point = 0x2e

/**
 * Reads JSON numbers straight from bytes. Up to 15 digits one division of two exact doubles gives the
 * double nearest to the decimal, as IEEE 754 rounds it once (Clinger, "How to read floating point numbers accurately",
 * 1990); the rest goes through `Number`. Hot: where the number ended is left in `end`.
 */
export class NumberScanner {
  /** Offset behind the number read last. */
  end = 0

  /** The number that begins at `at`, or NaN where there is none that JSON allows; it may be infinite. */
  scan(bytes: Buffer, at: number): number {
    const start = at
    let code = bytes[at] ?? 0
    const negative = code === minus
    if (negative) code = bytes[++at] ?? 0
    const first = code
    let mantissa = 0
    let digits = 0
    const whole = at
    for (; code >= zero && code <= nine; code = bytes[++at] ?? 0) mantissa = mantissa * 10 + (code - zero)
    digits = at - whole
    // No digit, or a leading zero before another.
    if (digits === 0 || (first === zero && digits > 1)) return Number.NaN
    let decimals = 0
    if (code === point) {
      const fraction = at + 1
      for (code = bytes[++at] ?? 0; code >= zero && code <= nine; code = bytes[++at] ?? 0)
        mantissa = mantissa * 10 + (code - zero)
      decimals = at - fraction
      digits += decimals
      if (decimals === 0) return Number.NaN
    }
    if ((code | 0x20) === 0x65) return this.#scanExponent(bytes, start, at)
    this.end = at
    if (digits > exactDigits) return Number(bytes.toString('latin1', start, at))
    const value = decimals === 0 ? mantissa : mantissa / (powersOfTen[decimals] ?? 1)
    return negative ? -value : value
  }

  #scanExponent(bytes: Buffer, start: number, at: number): number {
    while (isNumberByte(bytes[at] ?? 0)) at++
    this.end = at
    const text = bytes.toString('latin1', start, at)
    return json.test(text) ? Number(text) : Number.NaN
  }
}

/** Digits, `+`, `-`, `.`, `e`, `E`. */
function isNumberByte(code: number): boolean {
  return (code >= zero && code <= nine) || code === minus || code === 0x2b || code === point || (code | 0x20) === 0x65
}

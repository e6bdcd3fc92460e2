import { HttpProblem } from './problem.ts'

/** The whole body. One that is longer than allowed is refused by its header, or as soon as it has sent too much. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): HttpProblem => new HttpProblem('too_large', `a body may have ${maxBytes} bytes at most`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    // The only thing that fails in a body is its sender.
    throw error instanceof HttpProblem ? error : new HttpProblem('malformed_request', 'the body ended before its end')
  }
  return Buffer.concat(chunks, length)
}

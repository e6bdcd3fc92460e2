import { readFileSync } from 'node:fs'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { text } from 'node:stream/consumers'
import type { RunningPlatform } from '../data-folder.ts'

export interface AnswerText {
  readonly status: number
  readonly text: string
}

/** Sends JSON, or nothing, to the platform that runs on this machine's data folder. */
export async function sendToRunning(
  running: RunningPlatform,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<AnswerText> {
  const response = await askRunning(running, method, path, body === undefined ? '' : JSON.stringify(body))
  return { status: response.statusCode ?? 0, text: await text(response) }
}

/**
 * The answer of the platform that runs on this machine's data folder, its body yet to be read. Where that speaks TLS only, its
 * certificate is the one in its own file, whatever name it was made for and whoever signed it: nothing else is trusted, and
 * nothing less.
 */
export function askRunning(
  running: RunningPlatform,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  json = '',
): Promise<IncomingMessage> {
  const content = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
  const options: RequestOptions = {
    method,
    headers: { authorization: `Bearer ${running.key}`, ...(json !== '' && content) },
  }
  const url = `${running.httpUrl}/api/v1${path}`
  return new Promise((resolve, reject) => {
    const asked =
      running.certFile === null
        ? request(url, options)
        : requestTls(url, {
            ...options,
            ca: readFileSync(running.certFile),
            allowPartialTrustChain: true,
            checkServerIdentity: () => undefined,
          })
    asked.once('error', reject)
    asked.once('response', resolve)
    asked.end(json)
  })
}

import { readFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { text } from 'node:stream/consumers'
import type { RunningPlatform } from '../data-folder.ts'

export interface AnswerText {
  readonly status: number
  readonly text: string
}

/**
 * Posts JSON to the platform that runs on this machine's data folder. Where that speaks TLS only, its certificate is the
 * one in its own file, whatever name it was made for and whoever signed it: nothing else is trusted, and nothing less.
 */
export function postToRunning(running: RunningPlatform, path: string, body: unknown): Promise<AnswerText> {
  const sent = JSON.stringify(body)
  const options: RequestOptions = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${running.key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(sent),
    },
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
    asked.once('response', (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject)
    })
    asked.end(sent)
  })
}

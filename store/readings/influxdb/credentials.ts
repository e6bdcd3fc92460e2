import type { InfluxdbReadingsConfig } from './config.ts'

/**
 * The `Authorization` header. InfluxDB 1.x knows a token only as `user:password`, and before 1.8 only in the form of
 * `Basic`, which all versions understand.
 */
export function authorizationOf({ token, username, password }: InfluxdbReadingsConfig): string | undefined {
  if (username !== undefined) return basic(`${username}:${password ?? ''}`)
  if (token === undefined) return undefined
  return token.includes(':') ? basic(token) : `Token ${token}`
}

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}

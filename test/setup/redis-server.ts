import { Redis as Client } from 'ioredis'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { makeTempFolder } from './temp-folder.ts'
import { findTool } from './tools.ts'
import { waitUntil } from './wait.ts'

export interface RedisServer extends AsyncDisposable {
  readonly port: number
  /** Without a password. */
  readonly url: string
  /** Runs one command as who may do everything. */
  admin(...command: readonly [string, ...string[]]): Promise<unknown>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  kill(): Promise<void>
  /** On the same port; what it held is gone. */
  start(): Promise<void>
}

/** A real Redis that keeps nothing on disk, on a free loopback port. */
export async function startRedis({ password }: { readonly password?: string } = {}): Promise<RedisServer> {
  const binary = findTool('redis-server')
  if (binary === undefined) throw new Error('start redis-server failed: not installed')
  const folder = makeTempFolder('redis')
  const port = await freePort()
  const login = password === undefined ? [] : ['--requirepass', password]
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder.path, ...login]
  const url = `redis://127.0.0.1:${port}/0`
  let child: Child | undefined

  async function admin(...[name, ...rest]: readonly [string, ...string[]]): Promise<unknown> {
    const options = { lazyConnect: true, retryStrategy: () => null, commandTimeout: 5_000 }
    const client = new Client(url, { ...options, ...(password !== undefined && { password }) })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.call(name, ...rest)
    } finally {
      client.disconnect()
    }
  }

  async function start(): Promise<void> {
    const started = startChild(binary ?? '', args)
    child = started
    await waitUntil('redis to answer', () => {
      if (!started.running) throw new Error(`redis ended: ${started.output()}`)
      return admin('PING')
    })
  }

  async function kill(): Promise<void> {
    await child?.kill('SIGKILL')
  }

  const server: RedisServer = {
    port,
    url,
    admin,
    signal: (signal) => void process.kill(child?.pid ?? 0, signal),
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill()
      folder.remove()
    },
  }
  await start()
  return server
}

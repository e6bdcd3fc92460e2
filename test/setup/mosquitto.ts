import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { makeTempFolder } from './temp-folder.ts'
import { findTool } from './tools.ts'
import { waitUntil } from './wait.ts'

export interface Mosquitto extends AsyncDisposable {
  readonly pid: number
  readonly port: number
}

/** A Mosquitto that stores nothing and limits nothing, on a free loopback port. */
export async function startMosquitto(): Promise<Mosquitto> {
  const binary = findTool('mosquitto')
  if (binary === undefined) throw new Error('start mosquitto failed: not installed')
  const folder = makeTempFolder('mosquitto')
  const port = await freePort()
  const config = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'log_type error',
    'log_type warning',
    // Started as root it would otherwise become a user that cannot read its own folder.
    'user root',
  ]
  const file = join(folder.path, 'mosquitto.conf')
  writeFileSync(file, `${config.join('\n')}\n`)
  const child = startChild(binary, ['-c', file])
  const dispose = async () => {
    await child.kill('SIGKILL')
    folder.remove()
  }
  try {
    await waitUntil('mosquitto to listen', () => {
      if (!child.running) throw new Error(`mosquitto ended: ${child.output()}`)
      return canConnect(port)
    })
  } catch (error) {
    await dispose()
    throw error
  }
  return { pid: child.pid, port, [Symbol.asyncDispose]: dispose }
}

/** Mosquitto does not say which port it picked, so one is picked for it: free a moment before. */
function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

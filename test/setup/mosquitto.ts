import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { canConnect, freePort } from './free-port.ts'
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

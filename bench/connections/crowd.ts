import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { generate } from 'mqtt-packet'

export interface CrowdDevice {
  readonly id: string
  readonly token: string
}

export interface CrowdConfig {
  readonly port: number
  readonly devices: readonly CrowdDevice[]
}

/** What came of opening all connections. */
export interface Opening {
  readonly connected: number
  readonly seconds: number
  /** Attempts beyond the first of each device: refused, reset or unanswered. */
  readonly retries: number
  /** The last reason of those that never got in. */
  readonly failures: readonly string[]
}

/** Many devices that connect, stay, and lose their connections all at once. */
export interface Crowd {
  /** Opens what is not open, `atOnce` at a time; a device that fails tries again as firmware does. */
  open(atOnce: number): Promise<Opening>
  /** Every connection breaks in the same moment, as in a power cut: the broker gets a reset. */
  cut(): void
  /** Connections that are open now. */
  readonly connected: number
}

/** A client address has some 28,000 ports, and one that was just used rests. */
const devicesPerAddress = 5_000
const attemptMs = 30_000
const attempts = 10
const retryMs = 500
const connackAccepted = 0x20020000

export function createCrowd({ port, devices }: CrowdConfig): Crowd {
  const sockets: (Socket | undefined)[] = devices.map(() => undefined)
  /** One buffer for what all of them receive: only CONNACKs do. */
  const buffer = Buffer.allocUnsafe(64)
  const packets = devices.map(({ id, token }) =>
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: id,
      clean: true,
      keepalive: 0,
      username: id,
      password: Buffer.from(token),
    }),
  )

  function attempt(i: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const localAddress = `127.0.0.${2 + Math.floor(i / devicesPerAddress)}`
      let accepted = false
      const socket = connect({
        host: '127.0.0.1',
        port,
        localAddress,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            if (accepted) return true
            clearTimeout(overdue)
            if (length === 4 && buffer.readUInt32BE(0) === connackAccepted) {
              accepted = true
              resolve()
            } else {
              socket.destroy()
              reject(new Error(`answered ${buffer.toString('hex', 0, length)}`))
            }
            return true
          },
        },
      })
      sockets[i] = socket
      const give = (reason: string) => {
        clearTimeout(overdue)
        if (sockets[i] === socket) sockets[i] = undefined
        socket.destroy()
        reject(new Error(reason))
      }
      const overdue = setTimeout(() => give('not answered'), attemptMs)
      socket.on('error', (error) => give(error.message))
      socket.on('close', () => give('closed'))
      socket.write(packets[i] ?? '')
    })
  }

  /** Resolves with how many attempts it took. */
  async function openOne(i: number): Promise<number> {
    for (let n = 1; ; n++) {
      try {
        await attempt(i)
        return n
      } catch (error) {
        if (n >= attempts) throw error
        await delay(retryMs)
      }
    }
  }

  const connected = () => sockets.reduce((count, socket) => (socket === undefined ? count : count + 1), 0)

  return {
    async open(atOnce) {
      const startMs = performance.now()
      const failures: string[] = []
      let retries = 0
      let next = 0
      const worker = async () => {
        while (next < devices.length) {
          const i = next++
          if (sockets[i] !== undefined) continue
          await openOne(i).then(
            (tries) => {
              retries += tries - 1
            },
            (error) => failures.push(`${devices[i]?.id}: ${error}`),
          )
        }
      }
      await Promise.all(Array.from({ length: Math.min(atOnce, devices.length) }, worker))
      return { connected: connected(), seconds: (performance.now() - startMs) / 1_000, retries, failures }
    },
    cut() {
      for (const [i, socket] of sockets.entries()) {
        sockets[i] = undefined
        socket?.removeAllListeners('close')
        socket?.resetAndDestroy()
      }
    },
    get connected() {
      return connected()
    },
  }
}

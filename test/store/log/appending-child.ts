import { writeSync } from 'node:fs'
import { frameKind, systemClock } from '../../../model/index.ts'
import { createLogAppender } from '../../../store/log/index.ts'
import { openSmallLog } from './harness.ts'

/**
 * Appends frames to the log in the folder given, 64 of them in flight, and prints `acked {topic} {position}` for each
 * whose callback came, straight to the descriptor. Ends after as many as were asked for, or by a signal.
 */
const [folder = '', total = '1000000', run = '0'] = process.argv.slice(2)
const log = await openSmallLog(folder, { maxBytes: 1 << 30, segmentBytes: 256 * 1024, consumers: [] })
const print = (line: string): void => {
  writeSync(1, `${line}\n`)
}
const appender = createLogAppender(log, {
  clock: systemClock,
  onFailure(error) {
    print(`failed ${'code' in error ? error.code : error.message}`)
    process.exit(3)
  },
})
const owner = { closed: false }
const empty = new Uint8Array(0)
const payload = new Uint8Array(200)
let sent = 0
let acked = 0

const next = (): void => {
  if (sent === Number(total)) return
  const topic = `${run}/${sent++}`
  const frame = { kind: frameKind.message, flags: 1, packetId: 1, session: 1, origin: empty, topic, payload }
  appender.append(frame, owner, (error, position) => {
    if (error !== undefined) return
    print(`acked ${topic} ${position}`)
    acked++
    if (acked < Number(total)) next()
    else void end()
  })
}

const end = async (): Promise<void> => {
  await appender.stop()
  await log.close()
  print('end')
}

print('ready')
for (let i = 0; i < 64; i++) next()

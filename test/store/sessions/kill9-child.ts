/** Queues, retains and commits until it is killed; prints each position that was promised to be on disk. */
import { createLmdbSessions } from '../../../store/sessions/index.ts'

const [folder = ''] = process.argv.slice(2)
const sessions = createLmdbSessions({ folder })
await sessions.open()
for (const client of ['a', 'b']) {
  await sessions.table.sessionOf(client, false)
  await sessions.subscriptions.add(client, [{ filter: 't/#', qos: 1 }])
}
// A crash may leave messages beyond the position that was promised; a sequence is never given twice.
let position = sessions.fanout.fanoutPosition
for (const { sequence } of sessions.outgoing.owed('a')) position = Math.max(position, sequence)
for (position++; ; position++) {
  const message = { topic: `t/${position % 7}`, payload: Buffer.from(String(position)), qos: 1, retain: true } as const
  sessions.retained.keep(message)
  await sessions.outgoing.enqueue(['a', 'b'], position, message)
  if (position % 5 !== 0) continue
  await sessions.incoming.add('a', position % 65_536, message)
  await sessions.fanout.commitFanout(position)
  process.stdout.write(`${position}\n`)
}

import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLmdbSessionStore, createMqttSessions, sessionConfigSchema } from '../../../store/sessions/index.ts'
import { temporaryFolder } from './temporary.ts'

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** A filesystem of two mebibytes. */
async function smallDisk(): Promise<string> {
  const folder = await temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder])
  })
  return folder
}

describe.skipIf(!isRoot())('sessions on a full disk (needs root, to mount a small one)', () => {
  test('answer on, promise nothing, and have it all when there is room again', async () => {
    const disk = await smallDisk()
    const folder = join(disk, 'sessions')
    const sessions = createMqttSessions(createLmdbSessionStore(folder), sessionConfigSchema.parse({}))
    await sessions.open()
    await sessions.table.sessionOf('c', false)
    const filler = join(disk, 'filler')
    const message = { topic: 't', payload: Buffer.alloc(1_000), qos: 1, retain: false } as const
    writeFileSync(filler, Buffer.alloc(1_200_000))
    let position = 0
    let failure: unknown
    while (failure === undefined && position < 5_000) {
      for (let i = 0; i < 50; i++) await sessions.outgoing.enqueue(['c'], ++position, message)
      failure = await sessions.fanout.commitFanout(position).catch((error: unknown) => error)
    }
    expect(failure).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(sessions.fanout.fanoutPosition).toBeLessThan(position)
    expect([...sessions.outgoing.owed('c')]).toHaveLength(position)
    await expect(sessions.table.sessionOf('new', false)).rejects.toMatchObject({ code: 'store_unavailable' })
    rmSync(filler)
    await expect
      .poll(
        () =>
          sessions.fanout.commitFanout(position).then(
            () => sessions.fanout.fanoutPosition,
            () => -1,
          ),
        {
          timeout: 30_000,
        },
      )
      .toBe(position)
    await sessions.close()
    const again = createMqttSessions(createLmdbSessionStore(folder), sessionConfigSchema.parse({}))
    await again.open()
    expect([...again.outgoing.owed('c')]).toHaveLength(position)
    await again.close()
  })
})

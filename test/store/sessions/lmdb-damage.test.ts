import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import { describe, expect, test } from 'vitest'
import { createLmdbSessionStore, createLmdbSessions } from '../../../store/sessions/index.ts'
import { temporaryFolder } from './temporary.ts'

const damaged = expect.objectContaining({ code: 'store_failed', message: expect.stringContaining('sessions') })

async function storeWith(count: number): Promise<string> {
  const folder = join(await temporaryFolder(), 'sessions')
  const sessions = createLmdbSessions({ folder })
  await sessions.open()
  for (let i = 0; i < count; i++) await sessions.table.sessionOf(`client-${i}`, false)
  await sessions.close()
  return folder
}

describe('a session folder that is not one', () => {
  test('with a file of something else is refused', async () => {
    const folder = join(await temporaryFolder(), 'sessions')
    await mkdir(folder)
    await writeFile(join(folder, 'data.mdb'), Buffer.alloc(100_000, 0x5a))
    await expect(createLmdbSessions({ folder }).open()).rejects.toEqual(damaged)
  })

  test('cut off behind its first page is refused', async () => {
    const folder = await storeWith(10)
    await truncate(join(folder, 'data.mdb'), 4096)
    await expect(createLmdbSessions({ folder }).open()).rejects.toEqual(damaged)
  })

  test('with a record that makes no sense is refused', async () => {
    const folder = await storeWith(10)
    const other = openLmdb<Buffer, Buffer>({ path: folder, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' })
    await other.put(Buffer.from('sclient-3'), Buffer.from('?'))
    await other.close()
    await expect(createLmdbSessions({ folder }).open()).rejects.toEqual(damaged)
  })

  test('with a folder where the file should be is refused', async () => {
    const folder = join(await temporaryFolder(), 'sessions')
    await mkdir(join(folder, 'data.mdb'), { recursive: true })
    await expect(createLmdbSessions({ folder }).open()).rejects.toEqual(damaged)
  })

  test('of another program or a later format is refused', async () => {
    const folder = join(await temporaryFolder(), 'sessions')
    const other = openLmdb<Buffer, Buffer>({ path: folder, noSubdir: false, keyEncoding: 'binary', encoding: 'binary' })
    await other.put(Buffer.from('mformat'), Buffer.alloc(8, 1))
    await other.close()
    await expect(createLmdbSessions({ folder }).open()).rejects.toEqual(damaged)
  })

  test('that cannot be made is refused', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await expect(createLmdbSessionStore(join(file, 'sessions')).open()).rejects.toMatchObject({ code: 'store_failed' })
  })
})

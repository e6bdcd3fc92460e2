import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSnapshotFolder } from '../../ingest/index.ts'
import { eventually, World } from './world.ts'

function send(world: World, count: number): void {
  for (let i = 0; i < count; i++) world.script.pass(1000).telemetry('m1', { voltage: i }, { packetId: 1 + i })
}

function worldWithMessages(count: number): World {
  const world = new World()
  world.script.device('m1', 1)
  send(world, count)
  return world
}

const positions = (world: World) => [...world.snapshots.keys()].sort((a, b) => a - b)

describe('snapshots of the memory', () => {
  test('two are kept, and the log is released up to the older one', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    expect(world.released).toBe(0)
    const first = world.script.length
    send(world, 10)
    await world.digest()
    const second = world.script.length
    expect(world.released).toBe(first)
    send(world, 10)
    await world.digest()
    expect(positions(world)).toEqual([second, world.script.length])
    expect(world.released).toBe(second)
  })

  test('come after so many bytes of log, without ingest being stopped', async () => {
    const world = worldWithMessages(500)
    const ingest = world.ingest({ checkpointBytes: 10_000, sliceBytes: 1000 })
    await ingest.start()
    await eventually(() => expect(world.released).toBeGreaterThan(world.script.length - 30_000))
    await ingest.stop()
  })

  test('come after a while, but not for ticks alone', async () => {
    const world = worldWithMessages(1)
    const ingest = world.ingest({ checkpointMs: 100 })
    await ingest.start()
    await eventually(() => expect(positions(world)).toEqual([world.script.length]))
    const before = positions(world)
    world.script.tick()
    await world.caughtUp(ingest)
    send(world, 1)
    await world.caughtUp(ingest)
    await eventually(() => expect(positions(world)).toEqual([...before, world.script.length]))
    await ingest.stop()
  })

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
    ['empty', () => new Uint8Array(0)],
    ['with one bit changed', (bytes: Uint8Array) => bytes.with(bytes.length - 9, (bytes.at(-9) ?? 0) ^ 1)],
    ['of another version', (bytes: Uint8Array) => bytes.with(6, 99)],
  ])('the newest one is %s: the older one does', async (_, spoil) => {
    const world = worldWithMessages(10)
    await world.digest()
    const older = world.script.length
    send(world, 10)
    await world.digest()
    const newest = world.script.length
    world.snapshots.set(newest, spoil(world.snapshots.get(newest) ?? new Uint8Array(0)))
    // The log from the older one on is enough.
    world.tail = older
    send(world, 1)
    world.script.telemetry('m1', { voltage: 0 }, { packetId: 1, dup: true })
    const ingest = await world.digest()
    expect((await ingest.queries.stats()).redeliveries).toBe(1)
    expect((await world.stored('m1', 'voltage')).length).toBe(21)
    expect(world.written).toBe(21)
  })

  test('one that is ahead of the stores is not used', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    const ahead = new World()
    ahead.script.device('m1', 1)
    send(ahead, 10)
    for (const [position, bytes] of world.snapshots) ahead.snapshots.set(position, bytes)
    await ahead.digest()
    expect((await ahead.stored('m1', 'voltage')).length).toBe(10)
  })

  test('a start with the wrong stores in place costs the right ones nothing', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    send(world, 10)
    await world.digest()
    const before = positions(world)
    world.tail = before[0] ?? 0
    const marks = { position: 0, logId: undefined, highestDevice: 0, highestSeries: 0 }
    const empty = { ...world.readings, open: async () => marks }
    await expect(world.ingest({}, { readings: empty }).start()).rejects.toMatchObject({ code: 'store_failed' })
    expect(positions(world)).toEqual(before)
    send(world, 1)
    await world.digest()
    expect((await world.stored('m1', 'voltage')).length).toBe(21)
  })

  test('those passed over make room at the next one, and are not counted among the two', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    const first = world.script.length
    send(world, 10)
    const spoilt = world.script.length
    world.snapshots.set(spoilt, new Uint8Array(0))
    world.snapshots.set(1e9, new Uint8Array(0))
    send(world, 10)
    await world.digest()
    expect(positions(world)).toEqual([first, world.script.length])
    expect(world.released).toBe(first)
  })

  test('without one that is of use a log that was trimmed is a clear error', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    world.snapshots.clear()
    world.tail = 100
    await expect(world.ingest().start()).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringContaining('begins at 100'),
    })
  })

  test('those of another log are not used', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    const other = worldWithMessages(10)
    for (const [position, bytes] of world.snapshots) other.snapshots.set(position, bytes)
    other.tail = world.script.length
    const marks = { position: other.tail, logId: 'other', highestDevice: 1, highestSeries: 1 }
    const ingest = other.ingest({}, { logId: 'other', readings: { ...world.readings, open: async () => marks } })
    await expect(ingest.start()).rejects.toMatchObject({ code: 'store_failed' })
    expect(positions(other)).toEqual(positions(world))
  })
})

describe('the snapshot folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pelbiot-snapshots-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('gives back what was written, newest first, and passes over what is not its own', async () => {
    const files = createSnapshotFolder(join(folder, 'made', 'by', 'itself'))
    expect(await files.list()).toEqual([])
    await files.write(9, [Buffer.from('a'), Buffer.from('b')])
    await files.write(10, [Buffer.from('c')])
    await files.write(10, [Buffer.from('dd')])
    await writeFile(join(folder, 'made', 'by', 'itself', 'notes.txt'), 'x')
    await writeFile(join(folder, 'made', 'by', 'itself', 'memory.part'), 'x')
    expect((await files.list()).map(({ position }) => position)).toEqual([10, 9])
    expect(Buffer.from(await files.read(9)).toString()).toBe('ab')
    expect(Buffer.from(await files.read(10)).toString()).toBe('dd')
    await files.remove(9)
    await files.remove(9)
    expect((await files.list()).map(({ position }) => position)).toEqual([10])
  })

  test('a folder that vanished is a clear error', async () => {
    const files = createSnapshotFolder(join(folder, 'gone'))
    await expect(files.write(6, [Buffer.from('x')])).rejects.toMatchObject({
      code: 'store_failed',
      message: expect.stringContaining('write snapshot 6'),
    })
  })
})

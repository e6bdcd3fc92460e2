import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashBytes, sameBytes } from '../../ingest/hash-bytes.ts'
import { Memory } from '../../ingest/memory/memory.ts'
import { createRoutes } from '../../ingest/routes.ts'
import { encodeOrigin, FrameCursor, FrameWriter, frameKind } from '../../model/index.ts'
import { deviceRecord } from './frame-script.ts'
import { topics } from './world.ts'

const none = new Uint8Array(0)

function frameOf(principal: string, clientId: string, topic: string): FrameCursor {
  const writer = new FrameWriter()
  writer.append({ kind: frameKind.message, receivedMs: 1, origin: encodeOrigin(principal, clientId), topic })
  const frame = new FrameCursor()
  frame.reset(writer.view())
  frame.next()
  return frame
}

describe('routes', () => {
  test('a remembered route is the one that would be worked out', () => {
    const memory = new Memory({ stuckIntervals: 0 })
    for (const [i, id] of ['m1', 'm2', 'gate'].entries()) memory.setDevice(deviceRecord(id, i + 1), none)
    const routes = createRoutes(memory, topics)
    const id = fc.constantFrom('m1', 'm2', 'gate', 'ghost')
    const topic = fc.oneof(
      fc.tuple(id, fc.constantFrom('telemetry', 'status', 'info', 'x')).map(([d, kind]) => `pel/v1/${d}/${kind}`),
      fc.tuple(id, fc.constantFrom('volt', 'power')).map(([d, metric]) => `panel/${d}/${metric}`),
      fc.string({ maxLength: 700 }),
    )
    fc.assert(
      fc.property(id, fc.string({ maxLength: 8 }), topic, (principal, clientId, name) => {
        const frame = frameOf(principal, clientId, name)
        const first = routes.resolve(frame)
        expect(routes.resolve(frame)).toEqual(first)
        expect(first).toEqual(createRoutes(memory, topics).resolve(frame))
      }),
      { numRuns: 300 },
    )
  })

  test('a byte that moves from the client id to the topic makes another route', () => {
    const memory = new Memory({ stuckIntervals: 0 })
    const routes = createRoutes(memory, topics)
    expect(routes.resolve(frameOf('m1', 'c', 'panel/m1/volt')).kind).toBe('scalar')
    expect(routes.resolve(frameOf('m1', 'cp', 'anel/m1/volt')).kind).toBeUndefined()
  })

  test('a device that came, changed its number or went is seen at once', () => {
    const memory = new Memory({ stuckIntervals: 0 })
    const routes = createRoutes(memory, topics)
    const frame = frameOf('m1', 'c', 'pel/v1/m1/telemetry')
    expect(routes.resolve(frame)).toMatchObject({ device: undefined, deviceId: 'm1' })
    const device = memory.setDevice(deviceRecord('m1', 1), none)
    expect(routes.resolve(frame).device).toBe(device)
    const other = memory.setDevice(deviceRecord('m1', 2), none)
    expect(routes.resolve(frame).device).toBe(other)
    memory.removeDevice(other.record.id)
    expect(routes.resolve(frame).device).toBeUndefined()
  })
})

describe('the hash of bytes', () => {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

  test('depends on the bytes alone, not on where they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 7 }), (bytes, before) => {
        const moved = Uint8Array.from([...before, ...bytes, 1, 2, 3])
        const hash = hashBytes(view(bytes), 0, bytes.length, 5)
        expect(hashBytes(view(moved), before.length, before.length + bytes.length, 5)).toBe(hash)
        expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true)
        expect(sameBytes(view(bytes), 0, view(moved), before.length, bytes.length)).toBe(true)
      }),
    )
  })

  test('tells apart what differs in a single bit, in length or in seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(7), (bytes, where, bit) => {
        const at = where % bytes.length
        const changed = bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit))
        const hash = hashBytes(view(bytes), 0, bytes.length, 0)
        expect(hashBytes(view(changed), 0, bytes.length, 0)).not.toBe(hash)
        expect(hashBytes(view(bytes), 0, bytes.length, 1)).not.toBe(hash)
        expect(hashBytes(view(Uint8Array.from([...bytes, 0])), 0, bytes.length + 1, 0)).not.toBe(hash)
        expect(sameBytes(view(bytes), 0, view(changed), 0, bytes.length)).toBe(false)
      }),
    )
  })
})

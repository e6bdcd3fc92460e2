import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeOrigin,
  FrameCursor,
  type FrameFields,
  FrameWriter,
  frameFlags,
  frameHeaderBytes,
  frameKind,
} from '../../model/index.ts'

const { seal: _, ...readableKinds } = frameKind

const anyFrame = fc.record({
  kind: fc.constantFrom(...Object.values(readableKinds)),
  flags: fc.integer({ min: 0, max: 15 }),
  packetId: fc.integer({ min: 0, max: 0xffff }),
  receivedMs: fc.double({ noNaN: true, min: 0, max: 8.64e15 }),
  session: fc.integer({ min: 0, max: 0xffffffff }),
  principal: fc.string({ unit: 'grapheme' }).map(withoutNul),
  clientId: fc.string({ unit: 'grapheme' }).map(withoutNul),
  topic: fc.string({ unit: 'grapheme', maxLength: 200 }),
  payload: fc.uint8Array({ maxLength: 3_000 }),
})
type AnyFrame = typeof anyFrame extends fc.Arbitrary<infer Value> ? Value : never

/** Neither a principal nor a client id may contain U+0000 [MQTT-1.5.3-2]. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}

function fieldsOf({ principal, clientId, ...frame }: AnyFrame): FrameFields {
  return { ...frame, origin: encodeOrigin(principal, clientId) }
}

function write(frames: readonly FrameFields[], capacity?: number): Buffer {
  const writer = new FrameWriter(capacity)
  for (const frame of frames) writer.append(frame)
  expect(writer.count).toBe(frames.length)
  return Buffer.from(writer.view())
}

function read(bytes: Uint8Array): AnyFrame[] {
  const cursor = new FrameCursor()
  cursor.reset(bytes)
  const frames: AnyFrame[] = []
  while (cursor.next()) {
    const { kind, flags, packetId, receivedMs, session } = cursor
    if (kind === frameKind.seal) throw new Error('a seal was shown')
    const origin = { principal: cursor.principal(), clientId: cursor.clientId() }
    const body = { topic: cursor.topic(), payload: Uint8Array.from(cursor.payload()) }
    frames.push({ kind, flags, packetId, receivedMs, session, ...origin, ...body })
  }
  return frames
}

describe('frames', () => {
  test('are read as they were written, whatever the buffer held before it grew', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), fc.integer({ min: 0, max: 300 }), (frames, capacity) => {
        const expected = frames.map((frame) => ({ ...frame, topic: frame.topic.toWellFormed() }))
        expect(read(write(frames.map(fieldsOf), capacity))).toEqual(expected)
      }),
    )
  })

  test('a topic is the same as text and as bytes', () => {
    const frame = { kind: frameKind.message, receivedMs: 1, payload: Uint8Array.of(1, 2) }
    const topic = 'panel/träfo/電圧'
    expect(write([{ ...frame, topic: Buffer.from(topic) }])).toEqual(write([{ ...frame, topic }]))
  })

  test('what is left out is nothing: no origin, topic, payload, flags', () => {
    const bytes = write([{ kind: frameKind.tick, receivedMs: 1_795_341_600_000 }])
    expect(bytes.length).toBe(frameHeaderBytes)
    const nothing = { flags: 0, packetId: 0, session: 0, principal: '', clientId: '', topic: '' }
    const tick = { kind: frameKind.tick, receivedMs: 1_795_341_600_000, payload: new Uint8Array(0) }
    expect(read(bytes)).toEqual([{ ...nothing, ...tick }])
  })

  test('the layout is the one that is on disks already', () => {
    const bytes = write([
      {
        kind: frameKind.message,
        flags: 1 | frameFlags.dup | frameFlags.retain,
        packetId: 0x1234,
        receivedMs: 1,
        session: 0xfedcba98,
        origin: encodeOrigin('m1', 'c'),
        topic: 't',
        payload: Buffer.from('x'),
      },
    ])
    expect(bytes.toString('hex')).toBe(
      ['1e000000', '01', '0d', '3412', '000000000000f03f', '98badcfe', '0400', '0100', '6d310063', '74', '78'].join(''),
    )
  })

  test('a cut at any byte leaves the whole frames before it, and nothing of the one it cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 5 }), fc.nat(), (frames, seed) => {
        const whole = write(frames.map(fieldsOf))
        const cut = seed % whole.length
        const ends = frames.map((_, i) => write(frames.slice(0, i + 1).map(fieldsOf)).length)
        expect(read(whole.subarray(0, cut))).toEqual(read(whole).slice(0, ends.filter((end) => end <= cut).length))
      }),
    )
  })

  test('any bytes at all end the reading; none break it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const cursor = new FrameCursor()
        cursor.reset(bytes)
        let last = 0
        while (cursor.next()) {
          expect(cursor.end).toBeGreaterThan(last)
          expect(cursor.end).toBeLessThanOrEqual(bytes.length)
          expect(cursor.payload().length + cursor.topic().length).toBeLessThanOrEqual(bytes.length)
          cursor.principal()
          cursor.clientId()
          last = cursor.end
        }
      }),
      { numRuns: 500 },
    )
  })

  test('seals are passed over, wherever they stand', () => {
    const seal = { kind: frameKind.seal, receivedMs: 0, payload: Uint8Array.of(1, 2, 3) }
    const tick = (receivedMs: number) => ({ kind: frameKind.tick, receivedMs })
    const bytes = write([seal, tick(1), seal, seal, tick(2), seal])
    expect(read(bytes).map((frame) => frame.receivedMs)).toEqual([1, 2])
  })

  test('a cursor is used again for the next slice, also one inside a larger buffer', () => {
    const cursor = new FrameCursor()
    const frames = write([{ kind: frameKind.tick, receivedMs: 7 }])
    const padded = Buffer.concat([Buffer.alloc(13, 0xff), frames])
    for (const slice of [frames, padded.subarray(13), new Uint8Array(padded.buffer, padded.byteOffset + 13)]) {
      cursor.reset(slice.subarray(0, frames.length))
      expect(cursor.next()).toBe(true)
      expect(cursor.receivedMs).toBe(7)
      expect(cursor.end).toBe(frames.length)
      expect(cursor.next()).toBe(false)
    }
  })

  test('a client id that no frame can carry is refused before there is a frame', () => {
    const longest = 'x'.repeat(0xffff - 'm1'.length - 1)
    const frame = { kind: frameKind.message, receivedMs: 1, origin: encodeOrigin('m1', longest) }
    expect(read(write([frame]))[0]?.clientId).toBe(longest)
    expect(() => encodeOrigin('m1', `${longest}x`)).toThrow('encode origin of m1 failed')
  })

  test('a writer that is cleared begins anew', () => {
    const writer = new FrameWriter(8)
    writer.append({ kind: frameKind.tick, receivedMs: 1 })
    writer.clear()
    expect([writer.count, writer.length, writer.view().length]).toEqual([0, 0, 0])
    writer.append({ kind: frameKind.tick, receivedMs: 2 })
    expect(read(writer.view()).map((frame) => frame.receivedMs)).toEqual([2])
  })
})

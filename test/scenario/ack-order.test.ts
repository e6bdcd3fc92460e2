import { describe, expect, test } from 'vitest'
import { judgeAcks } from './ack-order.ts'
import { parseTrace } from './trace.ts'

const hex = (bytes: Buffer | string) =>
  [...Buffer.from(bytes)].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join('')
const segment = `28<${hex('/data/log/0001.seg')}>`
const socket = `58<${hex('socket:[7]')}>`

const write = (payload: string) => `10 pwritev(${segment}, [{iov_base="${hex(payload)}", iov_len=9}], 1, 0) = 9`
const sync = `11 fdatasync(${segment}) = 0`
const syncBegins = `11 fdatasync(${segment} <unfinished ...>`
const syncReturns = '11 <... fdatasync resumed>)           = 0'
const syncFails = '11 <... fdatasync resumed>)           = -1 EIO (Input/output error)'
const connack = `12 write(${socket}, "${hex(Buffer.from('20020000', 'hex'))}", 4) = 4`
const ack = (...ids: number[]) => {
  const bytes = Buffer.concat(ids.map((id) => Buffer.from([0x40, 2, id >> 8, id & 0xff])))
  return `12 write(${socket}, "${hex(bytes)}", ${bytes.length}) = ${bytes.length}`
}

const marks = new Map([
  [1, Buffer.from('one')],
  [2, Buffer.from('two')],
])
const judge = (...lines: string[]) => judgeAcks(parseTrace([connack, ...lines].join('\n')), marks)

describe('judging acknowledgements by a trace', () => {
  test('they may be written once a sync has returned that began after the write', () => {
    expect(judge(write('one,two'), sync, ack(1, 2))).toEqual({ acked: [1, 2], early: [] })
    expect(judge(write('one'), syncBegins, syncReturns, write('two'), sync, ack(1), ack(2))).toEqual({
      acked: [1, 2],
      early: [],
    })
  })

  test('not before the write, nor without a sync', () => {
    expect(judge(ack(1), write('one'), sync).early).toEqual([1])
    expect(judge(write('one'), ack(1), sync).early).toEqual([1])
  })

  test('not while the sync runs, nor after one that failed', () => {
    expect(judge(write('one'), syncBegins, ack(1), syncReturns).early).toEqual([1])
    expect(judge(write('one'), syncBegins, syncFails, ack(1)).early).toEqual([1])
  })

  test('not after a sync that had begun before the write', () => {
    expect(judge(write('one'), syncBegins, write('two'), syncReturns, ack(1, 2)).early).toEqual([2])
  })

  test('an HTTP answer is no acknowledgement', () => {
    const http = `12 write(59<${hex('socket:[8]')}>, "${hex('HTTP/1.1 200 OK@\u0002xx')}", 20) = 20`
    expect(judge(http)).toEqual({ acked: [], early: [] })
  })
})

import { Duplex } from 'node:stream'
import { AckBuffer } from './ack-buffer.ts'
import { connackFirst, refusingConnack } from './connack.ts'
import type { Admitted, CloseReason, ConnectionHooks, Peer, Publisher } from './connection-peers.ts'
import { PacketReader, type PacketTarget } from './packet-reader.ts'
import type { MqttSession } from './ports.ts'
import { checkFixedHeader, checkPacket, PublishView, packetType, type Violation, violations } from './strict/index.ts'

/** How far a connection is: what it may send, and who is given it. */
type Phase = 'connect' | 'admitting' | 'open' | 'leaving' | 'ended'

/** How long a closed connection may still take what was written to it, a CONNACK above all, before it is cut. */
const lingerMs = 1_000
const pubackByte = 0x40
const pubrecByte = 0x50

/**
 * One client's stream as Aedes sees it: whole packets that keep to MQTT 3.1.1, in; whatever Aedes writes, out. PUBLISH
 * never reaches Aedes: it goes to the publisher, which acknowledges it itself once it is on disk.
 *
 * Backpressure: while the publisher is blocked, Aedes does not read, or the client does not read, the socket is paused.
 */
export class Connection extends Duplex implements PacketTarget {
  keepAliveMs = 0
  sessionPresent = false
  /** As it calls itself, until it is admitted. */
  claimedPrincipal: string | undefined
  /** Undefined: its credentials have not been found right (yet). */
  who: Admitted | undefined
  /** Of its session; 0 until it has one. */
  session = 0
  readonly id: number
  readonly peer: Peer
  /** Epoch ms: when its credentials expire. */
  expiresMs = Number.POSITIVE_INFINITY
  #phase: Phase = 'connect'
  #reason: CloseReason | undefined
  #publisher: Publisher | undefined
  readonly #socket: Duplex
  readonly #hooks: ConnectionHooks
  readonly #view = new PublishView()

  readonly #reader = new PacketReader()
  readonly #acks = new AckBuffer()
  #taking = false
  /** Aedes has as much unread as it may. */
  #aedesFull = false
  /** The client does not read what was written to it. */
  #socketFull = false
  #connackSent = false
  #beforeConnack: Buffer[] = []
  #writeDone: (() => void) | undefined

  #heard = false
  #silentMs = 0
  #fullMs = 0

  constructor(id: number, socket: Duplex, peer: Peer, hooks: ConnectionHooks) {
    super({ allowHalfOpen: false, emitClose: true })
    this.id = id
    this.#socket = socket
    this.peer = peer
    this.#hooks = hooks
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('error', () => this.close('connection lost'))
    socket.on('end', () => this.close('connection lost'))
    socket.on('close', () => this.close('connection lost'))
  }

  get reason(): CloseReason {
    return this.#reason ?? 'connection lost'
  }

  get principal(): string | undefined {
    return this.who?.principal ?? this.claimedPrincipal
  }

  /** It has its session: what follows CONNECT goes to the publisher and to Aedes once `open` is called. */
  begin(publisher: Publisher, session: MqttSession): void {
    this.#publisher = publisher
    this.session = session.number
    this.sessionPresent = session.present
  }

  /** The CONNACK is out. */
  open(): void {
    if (this.#phase !== 'admitting') return
    this.#phase = 'open'
    this.proceed()
  }

  /** Ends the connection; the first reason given is the reason. */
  close(reason: CloseReason): void {
    this.#reason ??= reason
    if (!this.destroyed) this.destroy()
  }

  /** Reads no more. */
  quiesce(): void {
    if (this.#phase !== 'ended') this.#phase = 'leaving'
    this.proceed()
  }

  /** Says why the connection is about to be ended by somebody else. */
  willClose(reason: CloseReason): void {
    this.#reason ??= reason
  }

  puback(packetId: number): void {
    this.#ack(pubackByte, packetId)
  }

  pubrec(packetId: number): void {
    this.#ack(pubrecByte, packetId)
  }

  /** All acks of a turn leave in one write. */
  flushAcks(): void {
    const acks = this.#acks.take()
    if (acks === undefined || this.destroyed) return
    this.#writeSocket(acks)
    this.proceed()
  }

  /** Takes on reading when nothing is in its way any more. */
  proceed(): void {
    if (this.#taking || this.#phase === 'ended') return
    if (this.#reader.isReady && this.mayTake()) this.#takePackets()
    if (!this.mayTake()) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** Called now and then with the time since the last call; closes who is silent for too long [MQTT-3.1.2-24]. */
  checkSilence(elapsedMs: number, connectTimeoutMs: number): void {
    const isOpen = this.#phase === 'open'
    // Who is not read because the log is slow is not silent; who is not admitted yet, or leaving, gains nothing by talking.
    if (isOpen && (this.#heard || this.#publisher?.mayRead() === false)) this.#silentMs = 0
    else this.#silentMs += elapsedMs
    this.#heard = false
    if (!isOpen && this.#silentMs > connectTimeoutMs) this.close('connect timeout')
    else if (this.keepAliveMs > 0 && this.#silentMs > this.keepAliveMs * 1.5) this.close('keep alive timeout')
  }

  /** Called now and then with the time since the last call; closes who takes nothing of what was written to it. */
  checkTaking(elapsedMs: number, patienceMs: number): void {
    this.#fullMs = this.#socketFull ? this.#fullMs + elapsedMs : 0
    if (this.#fullMs > patienceMs) this.close('slow subscriber')
  }

  override _read(): void {
    this.#aedesFull = false
    this.proceed()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#reason ??= 'connection lost'
    this.#phase = 'ended'
    this.#reader.clear()
    this.#publisher?.end()
    this.#linger()
    this.#hooks.closed(this)
    done(error)
  }

  #onData = (chunk: Buffer): void => {
    if (this.#phase === 'ended') return
    this.#heard = true
    this.#hooks.received(chunk.length)
    this.#reader.add(chunk)
    if (this.#reader.isReady) this.proceed()
  }

  #onDrain = (): void => {
    this.#socketFull = false
    this.#fullMs = 0
    const done = this.#writeDone
    this.#writeDone = undefined
    done?.()
    this.proceed()
  }

  #takePackets(): void {
    this.#taking = true
    const violation = this.#reader.take(this)
    this.#taking = false
    if (violation !== undefined) this.#violate(violation)
  }

  mayTake(): boolean {
    if (this.#phase !== 'connect' && this.#phase !== 'open') return false
    return !this.#aedesFull && !this.#socketFull && this.#publisher?.mayRead() !== false
  }

  packet(bytes: Buffer, at: number, body: number, end: number): Violation | undefined {
    const type = (bytes[at] ?? 0) >> 4
    const publisher = this.#publisher
    if (type === packetType.publish && publisher !== undefined)
      return this.#view.read(bytes, at, body, end) ?? publisher.publish(this.#view, bytes)
    const violation = this.#checkPhase(type) ?? checkPacket(bytes, at, body, end)
    if (violation !== undefined) return violation
    if (type === packetType.connect) this.#phase = 'admitting'
    if (type === packetType.pubrel) publisher?.released(bytes.readUInt16BE(body))
    if (type === packetType.disconnect) this.#leave()
    if (!this.push(bytes.subarray(at, end))) this.#aedesFull = true
    return undefined
  }

  partial(bytes: Buffer, at: number, body: number, end: number): number | Violation {
    const first = bytes[at] ?? 0
    const violation = this.#checkPhase(first >> 4) ?? checkFixedHeader(first, end - body)
    if (violation !== undefined) return violation
    const publisher = this.#publisher
    const isLarge = first >> 4 === packetType.publish && end - body > (publisher?.payloadBytesMax ?? 0)
    if (publisher === undefined || !isLarge) return end - at
    // Perhaps too large: its topic suffices to refuse it.
    if (body + 2 > bytes.length) return body + 2 - at
    const headEnd = Math.min(end, body + 4 + bytes.readUInt16BE(body))
    if (headEnd > bytes.length) return headEnd - at
    const malformed = this.#view.read(bytes, at, body, end)
    if (malformed !== undefined) return malformed
    const isTooLarge = end - this.#view.payloadStart > publisher.payloadBytesMax
    return (isTooLarge ? publisher.publish(this.#view, bytes) : undefined) ?? end - at
  }

  #checkPhase(type: number): Violation | undefined {
    if (this.#phase === 'connect') return type === packetType.connect ? undefined : violations.notConnect
    return type === packetType.connect ? violations.secondConnect : undefined
  }

  /** What follows a DISCONNECT is not looked at; Aedes ends the connection when it meets it. */
  #leave(): void {
    this.#reason ??= 'disconnect'
    this.#phase = 'leaving'
  }

  #violate(violation: Violation): void {
    this.#hooks.violation(this, violation)
    if (violation.connack !== undefined && this.#phase === 'connect')
      this.#socket.write(refusingConnack(violation.connack))
    this.close('protocol violation')
  }

  #ack(firstByte: number, packetId: number): void {
    if (!this.destroyed && this.#acks.add(firstByte, packetId)) this.#hooks.acksWaiting(this)
  }

  /** Aedes corks each packet, so what arrives here is whole packets: acks may go between, never into them. */
  #send(bytes: Buffer, done: () => void): void {
    if (this.#connackSent) {
      this.#writeSocket(bytes)
    } else {
      this.#beforeConnack.push(bytes)
      const ordered = connackFirst(Buffer.concat(this.#beforeConnack), this.sessionPresent)
      if (ordered !== undefined) {
        this.#connackSent = true
        this.#beforeConnack = []
        this.#writeSocket(ordered)
      }
    }
    if (this.#socketFull) this.#writeDone = done
    else done()
  }

  #writeSocket(bytes: Buffer): void {
    if (this.#socket.writable && !this.#socket.write(bytes)) this.#socketFull = true
  }

  /** Closing a socket with unread bytes resets it, and the client never sees what was written: so read on, briefly. */
  #linger(): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    if (socket.destroyed) return
    socket.resume()
    socket.end()
    const cut = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(cut))
  }
}

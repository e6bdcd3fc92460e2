import type { MessagePort } from 'node:worker_threads'
import { AppError, type ErrorCode, errorCodes, type FieldError } from '../model/index.ts'

/**
 * Calls between threads over a MessagePort. A service is an object of async functions whose arguments and results are
 * structured-clonable; an AbortSignal may stand anywhere among the arguments and works across the port.
 */
export type Service = object

interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
  /** Index of the argument that is an AbortSignal, or -1. */
  readonly signalAt: number
}
type ToService = Call | { readonly abort: number }

interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly publicText: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly fields: readonly FieldError[]
}
type ToCaller = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: WireError }

function toWire(error: unknown): WireError {
  if (error instanceof AppError) {
    const { code, message, publicText, retryable, retryAfterMs, fields } = error
    return { code, message, publicText, retryable, retryAfterMs, fields }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'internal', message, publicText: message, retryable: false, retryAfterMs: undefined, fields: [] }
}

/** Answers calls that arrive on the port with `service`'s methods, until the port closes. */
export function serve(port: MessagePort, service: Service): void {
  const running = new Map<number, AbortController>()
  const methods = new Map(
    Object.entries(service).filter((entry): entry is [string, (...args: unknown[]) => unknown] => {
      return typeof entry[1] === 'function'
    }),
  )

  async function answer(call: Call): Promise<ToCaller> {
    const abort = new AbortController()
    running.set(call.id, abort)
    try {
      const method = methods.get(call.method)
      if (method === undefined) throw new AppError('internal', `call ${call.method} failed: no such method`)
      const args = call.args.map((arg, i) => (i === call.signalAt ? abort.signal : arg))
      return { id: call.id, value: await method(...args) }
    } catch (error) {
      return { id: call.id, error: toWire(error) }
    } finally {
      running.delete(call.id)
    }
  }

  port.on('message', (message: ToService) => {
    if ('abort' in message) running.get(message.abort)?.abort()
    else void answer(message).then((reply) => port.postMessage(reply))
  })
  port.on('close', () => {
    for (const abort of running.values()) abort.abort()
  })
}

export interface RemoteOptions {
  /** Calls that may wait for their answer at once; beyond it a call rejects with `store_unavailable`. */
  readonly maxInFlight: number
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The service at the port's other end. Calls reject with `closed` once the port has closed. */
export function remote<S extends Service>(
  port: MessagePort,
  methods: readonly (keyof S & string)[],
  options: RemoteOptions,
): S {
  const pending = new Map<number, Pending>()
  let nextId = 1
  let open = true

  port.on('message', (message: ToCaller) => {
    const call = pending.get(message.id)
    if (call === undefined) return
    pending.delete(message.id)
    if (!('error' in message)) return call.resolve(message.value)
    const { code, message: text, ...options } = message.error
    call.reject(new AppError(errorCodes.includes(code) ? code : 'internal', text, options))
  })
  port.on('close', () => {
    open = false
    for (const call of pending.values()) call.reject(new AppError('closed', 'call another thread failed: it has ended'))
    pending.clear()
  })

  function call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (!open) return Promise.reject(new AppError('closed', `call ${method} failed: its thread has ended`))
    if (pending.size >= options.maxInFlight) {
      const text = `call ${method} failed: ${options.maxInFlight} calls are waiting already`
      return Promise.reject(new AppError('store_unavailable', text, { retryable: true }))
    }
    const id = nextId++
    const signalAt = args.findIndex((arg) => arg instanceof AbortSignal)
    const signal = args[signalAt]
    const sent: Call = { id, method, args: args.map((arg, i) => (i === signalAt ? null : arg)), signalAt }
    return new Promise((resolve, reject) => {
      const onAbort = () => port.postMessage({ abort: id } satisfies ToService)
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          if (signal instanceof AbortSignal) signal.removeEventListener('abort', onAbort)
          then(value)
        }
      }
      pending.set(id, { resolve: settle(resolve), reject: settle(reject) })
      port.postMessage(sent)
      if (signal instanceof AbortSignal) {
        if (signal.aborted) onAbort()
        else signal.addEventListener('abort', onAbort, { once: true })
      }
    })
  }

  return Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => call(method, args)])) as S
}

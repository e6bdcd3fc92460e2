import type { Server } from 'node:net'
import { networkOf, parseAddress } from '../model/index.ts'
import type { ApiConfig } from './config.ts'
import { createTrust } from './ip-address.ts'

export type RefusedConnection = 'all' | 'address'

export interface ConnectionLimit {
  /** Watches the connections of a server; several may share the limit. */
  watch(server: Server): void
}

/**
 * Open connections of one address, or of one /64 of IPv6: the next is closed without a word. Trusted proxies may have as
 * many as they like, for they speak for many. What is kept is bounded by the connections there are.
 */
export function createConnectionLimit(
  config: Pick<ApiConfig, 'maxConnections' | 'maxConnectionsPerAddress' | 'trustedProxies'>,
  onRefused: (why: RefusedConnection) => void,
): ConnectionLimit {
  const open = new Map<string, number>()
  const isTrusted = createTrust(config.trustedProxies)

  return {
    watch(server) {
      server.maxConnections = config.maxConnections
      server.on('drop', () => onRefused('all'))
      server.on('connection', (socket) => {
        const address = socket.remoteAddress === undefined ? undefined : parseAddress(socket.remoteAddress)
        if (address === undefined || config.maxConnectionsPerAddress === 0 || isTrusted(address)) return
        const network = networkOf(address)
        const count = open.get(network) ?? 0
        if (count >= config.maxConnectionsPerAddress) {
          onRefused('address')
          socket.destroy()
          return
        }
        open.set(network, count + 1)
        socket.once('close', () => {
          const left = (open.get(network) ?? 1) - 1
          if (left > 0) open.set(network, left)
          else open.delete(network)
        })
      })
    },
  }
}

import { type CrowdConfig, createCrowd } from './crowd.ts'

/** A process of its own, forked by `remote-crowd.ts`: the sockets of 10,000 clients want memory and files of their own. */
export type CrowdOrder =
  | { readonly kind: 'begin'; readonly config: CrowdConfig }
  | { readonly kind: 'open'; readonly atOnce: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'count' }

let crowd = createCrowd({ port: 0, devices: [] })

process.on('message', (order: CrowdOrder) => {
  switch (order.kind) {
    case 'begin':
      crowd = createCrowd(order.config)
      process.send?.(null)
      break
    case 'open':
      void crowd.open(order.atOnce).then((opening) => process.send?.(opening))
      break
    case 'cut':
      crowd.cut()
      process.send?.(null)
      break
    case 'count':
      process.send?.(crowd.connected)
      break
    default:
      order satisfies never
  }
})
process.on('disconnect', () => process.exit())

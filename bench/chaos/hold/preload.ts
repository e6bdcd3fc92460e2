import { registerHooks } from 'node:module'

/**
 * For `node --import`: the ordinary program, whose ingest thread finds stores with a hold where the stores' doors are. The
 * platform itself knows nothing of it, and has no setting for it.
 */
const ingestThread = new URL('../../../app/ingest-thread.ts', import.meta.url).href
const instead = new Map([
  ['../store/readings/index.ts', new URL('./readings.ts', import.meta.url).href],
  ['../store/state/index.ts', new URL('./state.ts', import.meta.url).href],
])

registerHooks({
  resolve(specifier, context, next) {
    const held = context.parentURL === ingestThread ? instead.get(specifier) : undefined
    return next(held ?? specifier, context)
  },
})

import type { KyselyPlugin } from 'kysely'
import { AppError } from '../../model/index.ts'
import type { Tx } from './schema.ts'

/** A transaction as one work sees it, until that work is over. */
export interface BoundedTx {
  readonly tx: Tx
  end(): void
}

/**
 * A work that rejects may have left something running behind it (the rest of a Promise.all, a forgotten await), and its
 * next query would land in the change of somebody else. After `end` such queries are refused.
 */
export function untilEnd(tx: Tx): BoundedTx {
  let ended = false
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (ended) throw new AppError('internal', 'use a change unit failed: its change is over')
      return node
    },
    transformResult: async ({ result }) => result,
  }
  return {
    tx: tx.withPlugin(plugin),
    end() {
      ended = true
    },
  }
}

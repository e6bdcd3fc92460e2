import type { Db } from '../schema.ts'
import type { ControlOutbox } from '../state.ts'

export function controlOutbox(reader: Db, writer: Db): ControlOutbox {
  return {
    pending: (limit) => reader.selectFrom('outbox').selectAll().orderBy('id').limit(limit).execute(),

    async done(ids) {
      if (ids.length > 0) await writer.deleteFrom('outbox').where('id', 'in', ids).execute()
    },
  }
}

import type { ChangeScope } from '../change.ts'
import type { Db } from '../schema.ts'
import type { SettingQueries, SettingWrites } from '../state.ts'

export function settingQueries(db: Db): SettingQueries {
  return {
    async get(name) {
      const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst()
      return row?.value
    },
  }
}

export function settingWrites({ db, note }: ChangeScope): SettingWrites {
  const settings = settingQueries(db)

  return {
    async set(name, value) {
      const before = await settings.get(name)
      if (before === value) return
      await db
        .insertInto('settings')
        .values({ name, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute()
      // Under its name, for a setting whose name says that it is a secret is masked.
      const after = { [name]: value }
      const change = before === undefined ? { after } : { before: { [name]: before }, after }
      await note({ verb: 'update', type: 'setting', id: name, siteId: null, ...change })
    },
  }
}

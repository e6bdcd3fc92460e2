import { hkdfSync, randomInt } from 'node:crypto'
import type { DataVersions } from '../data-versions.ts'
import type { Db } from '../schema.ts'

const maxEra = 2 ** 48 - 1

/** `secret` is of one installation alone, so that two never have an era in common. */
export function dataVersions(reader: Db, writer: Db, secret: Uint8Array): DataVersions {
  const installation = Buffer.from(hkdfSync('sha256', secret, '', 'pelbiot data versions', 16)).toString('hex')
  const all = reader.selectFrom('data_versions').selectAll().compile()
  const nameOf = (era: number) => `${installation}.${era.toString(36)}`

  return {
    installation,

    async read(kinds) {
      const { rows } = await reader.executeQuery(all)
      const versionOf = (kind: string) => rows.find((row) => row.kind === kind)?.version ?? 0
      return [nameOf(versionOf('era')), ...kinds.map(versionOf)].join('.')
    },

    async renew() {
      const version = randomInt(1, maxEra)
      await writer
        .insertInto('data_versions')
        .values({ kind: 'era', version })
        .onConflict((stored) => stored.column('kind').doUpdateSet({ version }))
        .execute()
      return nameOf(version)
    },
  }
}

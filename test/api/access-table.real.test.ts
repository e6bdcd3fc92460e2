import { expect, test } from 'vitest'
import { accessPage } from './access/access-page.ts'
import { startApi } from './harness.ts'

test('docs/access.md says of each operation who may call it, as the API itself does', async () => {
  await using api = await startApi()
  await expect(accessPage(api.document)).toMatchFileSnapshot('../../docs/access.md')
})

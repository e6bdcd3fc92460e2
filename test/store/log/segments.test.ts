import { describeMessageLog } from './conformance.ts'
import { openSmallLog, tempFolder } from './harness.ts'

describeMessageLog('segment files', async () => {
  const folder = await tempFolder()
  return {
    open: (maxBytes = 1024 * 1024) => openSmallLog(folder.path, { maxBytes }),
    remove: folder.remove,
  }
})

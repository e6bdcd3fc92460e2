import { randomUUID } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../../model/index.ts'
import { syncFolder } from './files.ts'

const fileName = 'id'
const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Who the log in the folder is: made with it, never changed, and kept by everything that was made from the log, so that
 * another log in its place is noticed. Undefined: there is none, or it was made before logs had one.
 */
export async function readLogId(folder: string): Promise<string | undefined> {
  const path = join(folder, fileName)
  try {
    const id = (await readFile(path, 'utf8')).trim()
    if (!pattern.test(id)) throw new AppError('log_failed', `read ${path} failed: ${JSON.stringify(id)} is no id`)
    return id
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw cause
  }
}

/** Durable when it resolves. */
export async function makeLogId(folder: string): Promise<string> {
  const id = randomUUID()
  const path = join(folder, fileName)
  try {
    const handle = await open(`${path}.new`, 'w', 0o640)
    try {
      await handle.writeFile(`${id}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${path}.new`, path)
    await syncFolder(folder)
  } catch (cause) {
    throw new AppError('log_failed', `write ${path} failed`, { cause })
  }
  return id
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atProcessEnd } from './at-process-end.ts'

export interface TempFolder extends Disposable {
  readonly path: string
  remove(): void
}

/** A folder of one's own, removed at the latest when the process ends. */
export function makeTempFolder(name = 'test'): TempFolder {
  const path = mkdtempSync(join(tmpdir(), `pelbiot-${name}-`))
  const removeFolder = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  const callOff = atProcessEnd(removeFolder)
  const remove = () => {
    callOff()
    removeFolder()
  }
  return { path, remove, [Symbol.dispose]: remove }
}

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../model/index.ts'
import { openDataFolder } from '../data-folder.ts'

const marker = 'demo'

/** An empty folder that the demo may use: what an earlier demo left is removed, anything else refused. */
export function prepareDemoFolder(path: string): void {
  if (existsSync(path) && readdirSync(path).length > 0) {
    if (!existsSync(join(path, marker))) {
      const text = `use ${path} for the demo failed: it holds something else`
      throw new AppError('invalid_input', text, { fields: [{ field: '--data', message: 'names another folder' }] })
    }
    // Throws while another demo runs on it.
    openDataFolder(path).release()
    rmSync(path, { recursive: true })
  }
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, marker), 'Made by `npm run demo`, which removes this folder when it starts again.\n')
}

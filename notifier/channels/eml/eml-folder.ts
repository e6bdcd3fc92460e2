import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { MailProvider, OutgoingMail } from '../../ports.ts'

const ourName = /^\d{8}T\d{6}\.\d{3}Z-[A-Za-z0-9._-]+\.eml$/

export interface EmlConfig {
  readonly folder: string
  /** Beyond so many files the oldest make room. */
  readonly maxFiles: number
}

/**
 * Mails as files, for a platform without a mail server: `<time>-<Message-ID>.eml`, which any mail program opens. A mail
 * is there whole or not at all, and the same one once more replaces nothing but itself.
 */
export function createEmlFolder({ folder, maxFiles }: EmlConfig): MailProvider {
  async function write(mail: OutgoingMail): Promise<string> {
    await mkdir(folder, { recursive: true })
    const name = fileName(mail)
    const path = join(folder, name)
    const unfinished = `${path}.part`
    try {
      const file = await open(unfinished, 'w')
      try {
        await file.writeFile(mail.bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      throw error
    }
    await makeRoom(folder, maxFiles)
    await syncFolder(folder)
    return name
  }

  return {
    name: 'eml',
    async send(mail, signal) {
      signal.throwIfAborted()
      try {
        return { kind: 'sent', code: null, response: `written to ${await write(mail)}` }
      } catch (error) {
        const response = error instanceof Error ? error.message : String(error)
        return { kind: 'temporary', reason: 'folder_unwritable', code: null, response, providerDown: true }
      }
    },
    close() {},
  }
}

/** Names begin with their time. Files that are not ours are left alone. */
async function makeRoom(folder: string, maxFiles: number): Promise<void> {
  const ours = (await readdir(folder)).filter((name) => ourName.test(name)).sort()
  for (const name of ours.slice(0, Math.max(0, ours.length - maxFiles))) await rm(join(folder, name), { force: true })
}

/** A rename is on disk only with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** `20261123T140509.123Z-n17.4f2a….eml`: in the order of time, and nothing in it that a file system minds. */
function fileName({ messageId, createdMs }: OutgoingMail): string {
  const time = new Date(createdMs).toISOString().replaceAll(/[-:]/g, '')
  const id = messageId
    .replace(/^<|@.*$/g, '')
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 100)
  return `${time}-${id}.eml`
}

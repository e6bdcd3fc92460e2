import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { AppError, isAppError, systemClock } from '../../model/index.ts'
import { type AuditStep, openState } from '../../store/state/index.ts'
import { openAuditCheckpoints } from '../audit-checkpoints.ts'
import type { PlatformConfig } from '../config.ts'
import { type DataFolder, findRunning, openDataFolder, type RunningPlatform } from '../data-folder.ts'
import { createLogger } from '../logging.ts'
import { stateConfigOf } from '../state.ts'
import { askRunning } from './ask.ts'

type Verdict = Extract<AuditStep, { readonly kind: 'verdict' }>

export interface VerifyOptions {
  /** Hash of a row that has to be there. */
  readonly expect?: string
  readonly json?: boolean
}

/** Resolves with whether the log is intact, once the verdict is printed. Asks the platform that runs, or reads its files. */
export async function verifyAuditLog(config: PlatformConfig, { expect, json }: VerifyOptions): Promise<boolean> {
  const progress = json || !process.stderr.isTTY ? () => undefined : showProgress
  let folder: DataFolder
  try {
    folder = openDataFolder(config.dataDir)
  } catch (error) {
    const running = isAppError(error, 'data_folder_locked') ? findRunning(config.dataDir) : undefined
    if (running === undefined) throw error
    return printVerdict(await follow(overHttp(running, expect), progress), json)
  }
  try {
    return printVerdict(await follow(overFiles(folder, expect), progress), json)
  } finally {
    folder.release()
  }
}

async function* overFiles(folder: DataFolder, expected: string | undefined): AsyncGenerator<AuditStep> {
  const deps = { clock: systemClock, logger: createLogger('warn', 'cli') }
  // It must find the log as it is: nothing is migrated, nothing is made.
  const state = await openState(stateConfigOf(folder, { migrate: false }), deps)
  try {
    const recorded = await openAuditCheckpoints(folder.checkpointsFile).list()
    yield* state.audit.verify({ recorded, expected })
  } finally {
    await state.close()
  }
}

async function* overHttp(running: RunningPlatform, expected: string | undefined): AsyncGenerator<AuditStep> {
  const path = `/audit/verify${expected === undefined ? '' : `?expected=${expected}`}`
  const response = await askRunning(running, 'GET', path)
  if (response.statusCode !== 200)
    throw new AppError('store_failed', `ask ${running.httpUrl} to verify failed: ${await text(response)}`)
  for await (const line of createInterface({ input: response })) yield JSON.parse(line) as AuditStep
}

async function follow(
  steps: AsyncIterable<AuditStep>,
  progress: (checked: number, total: number) => void,
): Promise<Verdict> {
  for await (const step of steps) {
    if (step.kind === 'verdict') return step
    progress(step.checked, step.total)
  }
  throw new AppError('store_failed', 'verify the audit log failed: it broke off before there was a verdict')
}

function showProgress(checked: number, total: number): void {
  process.stderr.write(`\r${checked} of ${total} rows${checked === total ? '\n' : ''}`)
}

function printVerdict({ checked, removedThrough, head, fault }: Verdict, json = false): boolean {
  const intact = fault === null
  const removed = removedThrough === 0 ? [] : [`retention has removed the rows up to ${removedThrough}`]
  const lines = intact
    ? [`intact: ${checked} rows`, ...removed, `newest row ${head.id}`, `checkpoint ${head.hash}`]
    : [`not intact: ${fault.id === null ? 'a row' : `row ${fault.id}`} ${fault.what}: ${fault.detail}`, ...removed]
  const value = { intact, checked, removedThrough, head, fault }
  process.stdout.write(`${json ? JSON.stringify(value) : lines.join('\n')}\n`)
  return intact
}

import type { Session } from './session.ts'

/** Commits what `work` does, or undoes it. DuckDB ends a transaction itself when its commit fails. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.run('BEGIN')
  try {
    const result = await work()
    await session.run('COMMIT')
    return result
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

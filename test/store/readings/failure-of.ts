import { type AppError, isAppError } from '../../../model/index.ts'

/** What a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isAppError(error)) return error
  throw new Error('it did not fail', { cause: error })
}

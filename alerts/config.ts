import { z } from 'zod'
import { isMailAddress } from '../model/index.ts'

/** Each is told of every step of every alert. */
const maxRecipients = 50

/** Comma-separated; an address written twice, however it is capitalised, is one. */
const addresses = z.string().transform((text, context): readonly string[] => {
  const found = text.split(',').flatMap((part) => part.trim() || [])
  const wrong = found.find((address) => !isMailAddress(address))
  if (wrong !== undefined) context.addIssue(`${JSON.stringify(wrong)} is not a mail address such as ops@example.com`)
  const distinct = new Map(found.map((address) => [address.toLowerCase(), address]))
  if (distinct.size > maxRecipients) context.addIssue(`has more than ${maxRecipients} addresses`)
  return [...distinct.values()]
})

export const dispatcherConfigSchema = z.strictObject({
  recipients: addresses.prefault('').describe('Addresses that are mailed about every alert, comma-separated'),
  batchEvents: z.int().min(1).max(10_000).default(200).describe('Steps of alerts decided in one transaction at most'),
  pollMs: z.int().min(10).default(1_000).describe('How often new steps are looked for, in ms, when nobody wakes it'),
})

export type DispatcherConfig = z.output<typeof dispatcherConfigSchema>

import { z } from 'zod'
import { alertSchema, stepSchema } from '../../api/alert-schemas.ts'
import { liveKinds } from '../../api/live/view.ts'
import { rejectedSchema } from '../../api/rejected-schema.ts'
import { qualityNames } from '../../model/index.ts'

const ofKind = z.strictObject({ kind: z.enum(liveKinds) })

/** What the events of a live stream hold, by their names: as docs/live.md says, and nothing beside it. */
const schemas = {
  ready: z.strictObject({ kinds: z.array(z.enum(liveKinds)) }),
  reset: ofKind,
  'passed-over': ofKind,
  values: z.strictObject({
    items: z.array(
      z.strictObject({
        deviceId: z.string(),
        metric: z.string(),
        time: z.iso.datetime(),
        value: z.number(),
        quality: z.enum(qualityNames),
      }),
    ),
  }),
  alert: z.strictObject({ step: stepSchema, alert: alertSchema }),
  presence: z.strictObject({
    items: z.array(
      z.strictObject({ deviceId: z.string(), online: z.boolean(), lastSeen: z.iso.datetime().nullable() }),
    ),
  }),
  rejected: rejectedSchema,
} as const

export type EventName = keyof typeof schemas

export type LiveEvent<Name extends EventName = EventName> = {
  readonly [One in EventName]: {
    readonly name: One
    readonly id: string
    readonly data: z.output<(typeof schemas)[One]>
  }
}[Name]

/** Those of one name among the whole events of a text; fails where one is not as it should be. */
export function eventsIn<Name extends EventName>(text: string, name: Name): readonly LiveEvent<Name>[] {
  return sentIn(text)
    .filter((sent) => sent.name === name)
    .map((sent) => parsed(name, sent))
}

export function namesIn(text: string): readonly string[] {
  return sentIn(text).map(({ name }) => name)
}

interface Sent {
  readonly name: string
  readonly id: string
  readonly data: string
}

function sentIn(text: string): readonly Sent[] {
  return [...text.matchAll(/^event: (.*)\nid: (.*)\ndata: (.*)\n\n/gm)].map(([, name = '', id = '', data = '']) => ({
    name,
    id,
    data,
  }))
}

function parsed<Name extends EventName>(name: Name, { id, data }: Sent): LiveEvent<Name> {
  // The schema of that name is the one that the type is of.
  return { name, id, data: schemas[name].parse(JSON.parse(data)) } as LiveEvent<Name>
}

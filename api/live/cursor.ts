/** How far somebody has been told of everything. */
export interface Cursor {
  /** Number of the newest step of an alert. */
  readonly alerts: number
  /** Number of the newest rejected message. */
  readonly rejected: number
  /** Position in the log, for values. */
  readonly values: number
  /** Number of the newest change of presence, of this run of the platform. */
  readonly presence: number
  /** Which run that is. */
  readonly run: string
  /** Of which installation all this is: the numbers of another one mean nothing here. */
  readonly home: string
}

const pattern = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.([a-z0-9]{1,16})\.([a-z0-9]{1,16})$/

/** As an event's id has it. */
export function formatCursor({ alerts, rejected, values, presence, run, home }: Cursor): string {
  return `${alerts}.${rejected}.${values}.${presence}.${run}.${home}`
}

/** Undefined: no id of ours. */
export function parseCursor(id: string): Cursor | undefined {
  const [whole, alerts, rejected, values, presence, run = '', home = ''] = pattern.exec(id) ?? []
  if (whole === undefined) return undefined
  return {
    alerts: Number(alerts),
    rejected: Number(rejected),
    values: Number(values),
    presence: Number(presence),
    run,
    home,
  }
}

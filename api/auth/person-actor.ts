import type { Principal } from '../../model/index.ts'
import type { Actor, PersonRecord } from '../../store/state/index.ts'
import type { RequestContext } from '../route.ts'

export function personPrincipal({ id, role, sites }: PersonRecord): Principal {
  return { kind: 'person', id, role, sites }
}

/** Somebody who acts before they are signed in: with a password, a link, a code. */
export function personActor(person: PersonRecord, { requestId, address }: RequestContext): Actor {
  return { principal: personPrincipal(person), requestId, address }
}

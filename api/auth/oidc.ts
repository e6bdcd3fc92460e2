import { AppError } from '../../model/index.ts'
import type { AccountQueries } from '../../store/state/index.ts'
import { withDeadline } from '../deadline.ts'
import { HttpProblem } from '../problem.ts'
import type { RequestContext } from '../route.ts'
import type { SignedIn } from './accounts.ts'
import { headersOf } from './caller-headers.ts'
import type { AskLibrary } from './library.ts'
import type { SessionCookie } from './session-cookie.ts'

/** A provider that does not answer must not hold up whoever waits; passwords do not know of it. */
const answerMs = 10_000

export interface Redirect {
  readonly location: string
  readonly cookies: readonly string[]
}

/** Signing in by OpenID Connect, for people who are here already; nobody is made by it. */
export interface Oidc {
  /** What the button says; null: there is no provider. */
  readonly name: string | null
  /** Where the provider asks who somebody is. */
  begin(context: RequestContext): Promise<Redirect>
  /** What came back. A string: why not. */
  finish(context: RequestContext, query: Readonly<Record<string, string>>): Promise<SignedIn | string>
}

export interface OidcDeps {
  readonly ask: AskLibrary
  readonly issuer: string
  readonly name: string
  readonly sessions: Pick<AccountQueries, 'findSession'>
  readonly sessionCookie: SessionCookie
}

export const noOidc: Oidc = {
  name: null,
  begin: () => Promise.reject(notHere()),
  finish: () => Promise.reject(notHere()),
}

function notHere(): HttpProblem {
  return new HttpProblem('not_found', 'no OpenID Connect provider is set (OIDC_ISSUER)')
}

export function createOidc({ ask, issuer, name, sessions, sessionCookie }: OidcDeps): Oidc {
  return {
    name,

    begin: (context) => withDeadline('the OpenID Connect provider', answerMs, beginUnbounded(context)),

    async finish(context, query) {
      const response = await withDeadline('the OpenID Connect provider', answerMs, callback(context, query))
      const cookies = response.headers.getSetCookie()
      const cookie = cookies.map((one) => one.split(';', 1)[0]).join('; ')
      const token = await sessionCookie.tokenOf({ cookie, secure: context.secure })
      const session = token === undefined || token === '' ? undefined : await sessions.findSession(token)
      if (session === undefined) return errorOf(response.headers.get('location'))
      return { kind: 'signed-in', personId: session.personId, sessionId: session.id, method: 'provider', cookies }
    },
  }

  async function beginUnbounded(context: RequestContext): Promise<Redirect> {
    const { providerIdOf } = await import('./better-auth.ts')
    const provider = providerIdOf(issuer)
    const { response, headers } = await ask(context, async (library) => {
      const body = { provider, callbackURL: '/', errorCallbackURL: '/sign-in', disableRedirect: true } as const
      const begun = await library.api.signInSocial({ body, headers: headersOf(context), returnHeaders: true })
      const { socialProviders } = await library.$context
      const found = socialProviders.find(({ id }) => id === provider)
      // OpenID Connect Discovery 1.0, section 4.3: to the letter.
      if (found?.issuer !== issuer)
        throw new AppError('store_unavailable', `use ${issuer} failed: it calls itself ${found?.issuer ?? 'nothing'}`)
      return begun
    })
    if (!('url' in response) || response.url === undefined)
      throw new AppError('store_unavailable', `ask ${issuer} failed: it does not say where to sign in`, {
        retryable: true,
      })
    return { location: response.url, cookies: headers.getSetCookie() }
  }

  async function callback(context: RequestContext, query: Readonly<Record<string, string>>): Promise<Response> {
    const { providerIdOf } = await import('./better-auth.ts')
    const params = { id: providerIdOf(issuer) }
    return ask(context, (library) =>
      library.api.callbackOAuth({ params, query, headers: headersOf(context), asResponse: true }),
    )
  }
}

/** The library's code, which our page explains; nothing else of what a provider may have said. */
function errorOf(location: string | null): string {
  const code = URL.parse(location ?? '', 'http://localhost')?.searchParams.get('error') ?? ''
  return /^[a-z_]{1,60}$/.test(code) ? code : 'failed'
}

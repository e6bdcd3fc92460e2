import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import Provider, { type Configuration } from 'oidc-provider'

export interface TestProvider extends AsyncDisposable {
  readonly issuer: string
  /** Who is at the provider's keyboard; undefined: they say no. */
  user: { readonly sub: string; readonly email: string; readonly verified: boolean }
}

export const client = { id: 'pelbiot', secret: 'a secret of some length' } as const

/** A real OpenID Connect provider on loopback, at which `user` is signed in and agrees to everything. */
export async function startProvider(redirectUri: string): Promise<TestProvider> {
  const server: Server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const state: { user: TestProvider['user'] } = { user: { sub: 'one', email: 'one@example.com', verified: true } }
  const configuration: Configuration = {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: state.user.email, email_verified: state.user.verified }),
    }),
  }
  const provider = new Provider(issuer, configuration)
  const rest = provider.callback()
  server.on('request', async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return rest(request, response)
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login')
      return provider.interactionFinished(request, response, { login: { accountId: state.user.sub } })
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) })
    grant.addOIDCScope('openid email profile')
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  })
  return {
    issuer,
    get user() {
      return state.user
    },
    set user(user) {
      state.user = user
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

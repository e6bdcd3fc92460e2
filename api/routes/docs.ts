import { readFile } from 'node:fs/promises'
import { z } from '@hono/zod-openapi'
import { describeRoutes } from '../openapi.ts'
import { defineOpenRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { pagePolicy } from '../security-headers.ts'

const tag = 'Platform'
const html = 'text/html; charset=utf-8'
const page = new URL('../docs-page/', import.meta.url)
/** The page loads nothing from elsewhere, so that it works on a machine without internet. */
const headers = { 'content-security-policy': pagePolicy() }

/** `routes` is the list that these routes join, so that the document, made when first asked for, has them too. */
export function docsRoutes(
  routes: readonly Route[],
  { version, anonymous }: Pick<RouteDeps, 'version' | 'anonymous'>,
): Route[] {
  const policy = anonymous.includes('docs') ? 'public' : ({ for: 'everyone' } as const)
  let document: object | undefined
  return [
    defineOpenRoute(policy, {
      method: 'get',
      path: '/openapi.json',
      tag,
      summary: 'Read this document',
      responses: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
      async handler() {
        document ??= describeRoutes(routes, version)
        return { status: 200, body: { openapi: '3.1.0', ...document } }
      },
    }),
    defineOpenRoute(policy, {
      method: 'get',
      path: '/docs',
      tag,
      summary: 'Browse and try the API',
      responses: { 200: { description: 'The documentation as a page', schema: z.string(), mediaType: html } },
      handler: async () => ({ status: 200, headers, body: await readFile(new URL('page.html', page), 'utf8') }),
    }),
    defineOpenRoute(policy, {
      method: 'get',
      path: '/docs/page.css',
      tag,
      summary: 'Load the style of the documentation page',
      responses: { 200: { description: 'CSS', schema: z.string(), mediaType: 'text/css; charset=utf-8' } },
      handler: async () => ({ status: 200, body: await readFile(new URL('page.css', page), 'utf8') }),
    }),
    defineOpenRoute(policy, {
      method: 'get',
      path: '/docs/page.js',
      tag,
      summary: 'Load the script of the documentation page',
      responses: {
        200: { description: 'JavaScript', schema: z.string(), mediaType: 'text/javascript; charset=utf-8' },
      },
      handler: async () => ({ status: 200, body: await readFile(new URL('page.js', page), 'utf8') }),
    }),
  ]
}

import { readFile } from 'node:fs/promises'
import { z } from '@hono/zod-openapi'
import { definePublicRoute, type Route } from '../route.ts'
import { pagePolicy } from '../security-headers.ts'

const tag = 'Platform'
const folder = new URL('../sign-in-page/', import.meta.url)
const headers = { 'content-security-policy': pagePolicy({ 'img-src': 'data:' }) }
const mediaTypes = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const
const files = ['page.css', 'page.js', 'http.js'] as const

/** The page at which people sign in, and set a password with the link of a mail. */
export function signInPageRoutes(): Route[] {
  return [
    definePublicRoute({
      method: 'get',
      path: '/sign-in',
      tag,
      summary: 'Sign in, or set a password, in a browser',
      responses: { 200: { description: 'The page', schema: z.string(), mediaType: 'text/html; charset=utf-8' } },
      handler: async () => ({ status: 200, headers, body: await readFile(new URL('page.html', folder), 'utf8') }),
    }),
    ...files.map((file) =>
      definePublicRoute({
        method: 'get',
        path: `/sign-in/${file}`,
        tag,
        summary: `Load ${file} of the sign-in page`,
        responses: {
          200: {
            description: file,
            schema: z.string(),
            mediaType: file.endsWith('.css') ? mediaTypes.css : mediaTypes.js,
          },
        },
        handler: async () => ({ status: 200, body: await readFile(new URL(file, folder), 'utf8') }),
      }),
    ),
  ]
}

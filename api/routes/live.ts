import { readFile } from 'node:fs/promises'
import { z } from '@hono/zod-openapi'
import { definePublicRoute, type Route } from '../route.ts'
import { pagePolicy } from '../security-headers.ts'

const tag = 'Platform'
const folder = new URL('../live-page/', import.meta.url)
/** Nothing from elsewhere. Inline styles only because a mail, shown in a frame without scripts, has its own. */
const headers = {
  'content-security-policy': pagePolicy({
    'style-src': "'self' 'unsafe-inline'",
    'img-src': 'data:',
    'frame-src': "'self' about:",
  }),
}
const mediaTypes = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const
const files = ['page.css', 'page.js', 'http.js', 'chart.js', 'mail.js'] as const

/** The live page at `/`: values, open alerts and the last mail, by the public API. */
export function liveRoutes(): Route[] {
  return [
    definePublicRoute({
      method: 'get',
      path: '/',
      tag,
      summary: 'Watch values, open alerts and the last mail',
      responses: { 200: { description: 'The live page', schema: z.string(), mediaType: 'text/html; charset=utf-8' } },
      handler: async () => ({ status: 200, headers, body: await readFile(new URL('page.html', folder), 'utf8') }),
    }),
    ...files.map((file) =>
      definePublicRoute({
        method: 'get',
        path: `/live/${file}`,
        tag,
        summary: `Load ${file} of the live page`,
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

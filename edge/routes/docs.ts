/** The API's own description, generated from the schemas that validate its requests. */

import { CACHE, entityTag } from '../caching.ts'
import type { App } from '../serve.ts'

export function docs(app: App): void {
  app.get('/openapi.json', entityTag(), (c) => {
    const document = app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Spreadwire',
        version: '1.0.0',
        description:
          'Crypto arbitrage that could really have been taken. Prices, sizes, percentages and ' +
          'amounts are decimal strings, times are RFC 3339 UTC with milliseconds. Errors are ' +
          'RFC 9457 problems.',
      },
      servers: [{ url: new URL(c.req.url).origin }],
    })
    c.header('cache-control', CACHE.brief)
    return c.json(document)
  })
}

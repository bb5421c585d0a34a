/**
 * The edge for one test: the request that is described in a body goes down the short road, then down
 * the long one, in the same isolate and the same moment, and both answers are told.
 */
import { createApp } from './app.ts'
import { answerAtOnce } from './at-once.ts'
import type { Bindings } from './edge.ts'
import { edgeLog } from './log.ts'

export { StreamHub } from './stream/object.ts'

interface Described {
  readonly path: string
  readonly method: string
  readonly headers: Record<string, string>
}

const app = createApp(edgeLog)

export default {
  async fetch(request, env, context) {
    if (request.method !== 'POST') return app.fetch(request, env, context)
    const { path, ...init } = await request.json<Described>()
    const asked = () => new Request(new URL(request.url).origin + path, init)
    const short = answerAtOnce(asked(), env)
    const long = await app.fetch(asked(), env, context)
    return Response.json({
      short: short === null ? null : await described(short),
      long: await described(long),
    })
  },
} satisfies ExportedHandler<Bindings>

async function described(response: Response) {
  return {
    status: response.status,
    headers: [...response.headers],
    has_body: response.body !== null,
    body: await response.text(),
  }
}

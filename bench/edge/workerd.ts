/**
 * The edge app in workerd alone, bundled as `wrangler deploy` bundles it: without the proxies that a
 * development server puts in front, which cost more than workerd itself. Beside it stand two workers
 * in the same process: one answers hello as JSON, one sends what the app answered once, headers and
 * body, again and again: what no app with that answer could be faster than.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleEdge } from '../../sandbox/bundle.ts'
import { startWorkerd as startAlone } from '../../sandbox/workerd.ts'

export interface Workerd {
  readonly url: string
  readonly hello_url: string
  /** the app's own answers, repeated */
  readonly same_url: string
  /** of the debugger, host and port; absent where it was not asked for */
  readonly inspector: string | undefined
  readonly pid: number
  stop(): Promise<void>
}

const HELLO = `export default { fetch: () => Response.json({ hello: 'world' }) }`
const SAME = `
const known = new Map()
export default {
  async fetch({ url }, { EDGE }) {
    if (!known.has(url)) {
      const response = await EDGE.fetch(url)
      known.set(url, { body: await response.arrayBuffer(), headers: new Headers(response.headers) })
    }
    const { body, headers } = known.get(url)
    return new Response(body, { headers })
  },
}`

/** @throws SetupError with wrangler's or workerd's words when the app cannot be bundled or started */
export async function startWorkerd(
  vars: Readonly<Record<string, string>>,
  { inspects = false } = {},
): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-bench-edge-'))
  const beside = { hello: HELLO, same: SAME }
  const bundle = await bundleEdge(folder)
  const { url, urls, inspector, pid, stop } = await startAlone(bundle, { vars, beside, inspects })
  return {
    url,
    hello_url: urls.hello,
    same_url: urls.same,
    inspector,
    pid,
    async stop() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The edge app in workerd alone, bundled as `wrangler deploy` bundles it: without the proxies that a
 * development server puts in front, which cost more than workerd itself. Beside it stands a worker
 * that answers hello as JSON: what no app could be faster than.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, PROJECT_DIR } from '../../sandbox/environment.ts'
import { freePort } from '../../sandbox/ports.ts'
import { startChild } from '../../sandbox/process.ts'
import { run } from '../../sandbox/run.ts'

export interface Workerd {
  readonly url: string
  readonly hello_url: string
  readonly pid: number
  stop(): Promise<void>
}

const HELLO = `export default { fetch: () => Response.json({ hello: 'world' }) }`
const tool = (name: string) => join(PROJECT_DIR, 'node_modules', '.bin', name)

/** @throws Error with wrangler's or workerd's words when the app cannot be bundled or started */
export async function startWorkerd(vars: Readonly<Record<string, string>>): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'spreadwire-bench-edge-'))
  const bundled = await run(tool('wrangler'), ['deploy', '--dry-run', '--outdir', folder], {
    cwd: PROJECT_DIR,
    env: environment({ WRANGLER_SEND_METRICS: 'false', CI: '1' }),
  })
  const bundle = (await readdir(folder)).find((name) => name.endsWith('.js'))
  if (!bundled.ok || bundle === undefined) throw new Error(bundled.output)
  const [port, hello_port] = [await freePort(), await freePort()]
  await writeFile(join(folder, 'hello.js'), HELLO)
  await writeFile(join(folder, 'config.capnp'), config(bundle, vars, port, hello_port))
  const child = startChild({
    name: 'workerd',
    command: tool('workerd'),
    args: ['serve', '--experimental', join(folder, 'config.capnp')],
  })
  const [url, hello_url] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${hello_port}`]
  await answering(`${url}/openapi.json`, () => child.tail())
  return {
    url,
    hello_url,
    pid: await native(child.pid),
    async stop() {
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function config(
  bundle: string,
  vars: Readonly<Record<string, string>>,
  port: number,
  hello_port: number,
): string {
  const bindings = Object.entries(vars).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)}),`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "hello", worker = .hello),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [
    (name = "edge", address = "127.0.0.1:${port}", http = (), service = "edge"),
    (name = "hello", address = "127.0.0.1:${hello_port}", http = (), service = "hello"),
  ],
);
const edge :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(bundle)})],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal", "request_signal_passthrough"],
  bindings = [
    ${bindings.join('\n    ')}
    (name = "STREAM_HUB", durableObjectNamespace = "StreamHub"),
    (name = "ASSETS", service = "hello"),
  ],
  durableObjectNamespaces = [(className = "StreamHub", uniqueKey = "stream-hub", enableSql = true)],
  durableObjectStorage = (inMemory = void),
);
const hello :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "hello.js")],
  compatibilityDate = "2026-11-01",
);
`
}

/** The npm package starts the binary from a script of its own. */
async function native(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return Number(children.split(' ')[0]) || pid
}

async function answering(url: string, words: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`workerd did not answer\n${words()}`)
}

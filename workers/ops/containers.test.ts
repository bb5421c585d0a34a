/** The containers, as far as they can be known without an engine: what is copied, run and set. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import packageJson from '../../package.json' with { type: 'json' }
import { SMALL_PROCESS } from '../../sandbox/environment.ts'
import { readConfig, variables } from '../config.ts'
import { exchanges } from '../exchanges/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Instruction {
  readonly name: string
  readonly rest: string
}

/** By stage, in order. */
function stagesOf(text: string): Map<string, Instruction[]> {
  const stages = new Map<string, Instruction[]>()
  let stage: Instruction[] = []
  const lines = text.replaceAll('\\\n', '').split('\n')
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    if (name === 'FROM') {
      stage = []
      stages.set(/ AS (\w+)$/.exec(rest)?.[1] ?? '', stage)
    }
    if (name !== '') stage.push({ name, rest: rest.trim() })
  }
  return stages
}

describe('the Dockerfile', () => {
  const stages = stagesOf(read('workers/ops/Dockerfile'))
  const of = (stage: string, name: string) =>
    stages
      .get(stage)!
      .filter((one) => one.name === name)
      .map(({ rest }) => rest)
  /** sources of COPY that come from the project */
  const copied = (stage: string) =>
    of(stage, 'COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1))

  it('stands where Railway does not find it', () => {
    expect(existsSync(join(ROOT, 'Dockerfile'))).toBe(false)
  })

  it('runs on the Node that the project asks for', () => {
    const [, major] = /^>=(\d+)/.exec(packageJson.engines.node) ?? []
    for (const name of stages.keys()) {
      expect(of(name, 'FROM')).toEqual([`node:${major}-bookworm-slim AS ${name}`])
    }
  })

  it('copies what is there, and all that the programs import', () => {
    for (const stage of stages.keys()) {
      for (const source of copied(stage)) expect(existsSync(join(ROOT, source)), source).toBe(true)
    }
    for (const room of ['shared', 'workers']) expect(copied('worker')).toContain(room)
    for (const room of ['shared', 'client', 'sandbox', 'edge'])
      expect(copied('edge')).toContain(room)
  })

  it('lets the builder see what is copied, and no setting', () => {
    const lines = read('workers/ops/Dockerfile.dockerignore').split('\n')
    expect(lines.find((line) => !line.startsWith('#'))).toBe('*')
    const seen = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    const all = new Set([...stages.keys()].flatMap(copied))
    expect(seen.toSorted()).toEqual([...all].toSorted())
    expect(seen.join()).not.toMatch(/\.env|\.data|\.git/)
  })

  it.each([
    ['worker', 'workers/main.ts'],
    ['edge', 'sandbox/serve-edge.ts'],
  ])('starts the %s with node itself, not as root, and asks whether it is well', (stage, file) => {
    expect(of(stage, 'CMD')).toEqual([`["node", "${file}"]`])
    expect(existsSync(join(ROOT, file))).toBe(true)
    expect(of(stage, 'USER')).toEqual(['node'])
    const health = of(stage, 'HEALTHCHECK')[0]!
    const command = z.array(z.string()).parse(JSON.parse(health.slice(health.indexOf('['))))
    expect(command.slice(0, 2)).toEqual(['node', '-e'])
    expect(() => new Function(command[2]!)).not.toThrow()
  })

  it('keeps the worker as small as npm start does, and compiles it as the user that runs it', () => {
    const set = of('worker', 'ENV').map((rest) => rest.split('=')[0])
    expect(set).toEqual(expect.arrayContaining(Object.keys(SMALL_PROCESS)))
    const steps = stages.get('worker')!
    const at = (name: string, text: string) =>
      steps.findIndex((step) => step.name === name && step.rest.includes(text))
    expect(at('ENV', 'NODE_COMPILE_CACHE=/home/node/')).toBeGreaterThan(0)
    expect(at('RUN', 'node workers/main.ts --check-config')).toBeGreaterThan(at('USER', 'node'))
  })

  it('installs for production all that the worker imports', () => {
    const sources = ['workers', 'shared'].flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|mjs)$/.test(name) && !/\.test\.ts$|testing/.test(name))
        .map((name) => read(join(room, name))),
    )
    const imported = sources.flatMap((text) =>
      [...text.matchAll(/^(?:import|export) (?!type )(?:[^'=(]*? from )?'([^.'][^']*)'/gm)].map(
        ([, name = '']) => name,
      ),
    )
    const packages = imported
      .filter((name) => !name.startsWith('node:'))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      )
    expect(packages.length).toBeGreaterThan(10)
    for (const name of new Set(packages)) expect(packageJson.dependencies).toHaveProperty(name)
  })
})

const Service = z.strictObject({
  image: z
    .string()
    .regex(/^[\w./-]+:v?\d[\w.-]*$/, 'an image with its version')
    .optional(),
  build: z
    .strictObject({ context: z.literal('.'), dockerfile: z.string(), target: z.string() })
    .optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z
    .union([z.array(z.string()), z.record(z.string(), z.object({ condition: z.string() }))])
    .optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  profiles: z.array(z.string()).optional(),
  healthcheck: z
    .object({ test: z.array(z.string()) })
    .loose()
    .optional(),
  restart: z.enum(['always', 'unless-stopped', 'on-failure']).optional(),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  user: z.string().optional(),
})
const Compose = z.object({
  name: z.string(),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
})

describe('compose.yaml', () => {
  const text = read('compose.yaml')
  const { services, volumes } = Compose.parse(parse(text, { merge: true }))
  /** as compose does, with what the operator must set */
  const filled = (environment: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value
          .replace(/\$\{POSTGRES_PASSWORD:\?[^}]*\}/, 'secret')
          .replace(/\$\{\w+:-([^}]*)\}/, '$1'),
      ]),
    )

  it('has the parts of the system, each an image or a target that is there', () => {
    const targets = [...stagesOf(read('workers/ops/Dockerfile')).keys()]
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining(['redis', 'postgres', 'migrate', 'worker', 'edge', 'nginx']),
    )
    for (const { image, build } of Object.values(services)) {
      expect((image === undefined) !== (build === undefined)).toBe(true)
      if (build === undefined) continue
      expect(existsSync(join(ROOT, build.dockerfile))).toBe(true)
      expect(targets).toContain(build.target)
    }
  })

  it('gives the worker an environment that it accepts, and names nothing that it does not read', () => {
    const environment = filled(services.worker!.environment)
    expect(readConfig(environment, exchanges)).toMatchObject({ ok: true })
    for (const name of Object.keys(environment)) expect(variables(exchanges)).toContain(name)
  })

  it('gives the edge what it asks for', () => {
    const source = read('sandbox/serve-edge.ts') + read('sandbox/edge.ts')
    for (const name of Object.keys(services.edge!.environment ?? {})) {
      expect(source).toContain(`'${name}'`)
    }
  })

  it('lets the worker and the edge agree on who may read', () => {
    const { worker, edge } = services
    expect(worker?.environment?.PUBLIC_READ).toBe(edge?.environment?.PUBLIC_READ)
    expect(worker?.environment?.ADMIN_TOKEN).toBe(edge?.environment?.ADMIN_TOKEN)
  })

  it('waits for what is needed, and mounts what is there', () => {
    for (const { depends_on = [], volumes: mounts = [] } of Object.values(services)) {
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)
      for (const name of needed) expect(services).toHaveProperty(name)
      for (const mount of mounts) {
        const [from = ''] = mount.split(':')
        if (from.startsWith('.')) expect(existsSync(join(ROOT, from)), from).toBe(true)
        else expect(Object.keys(volumes)).toContain(from)
      }
    }
    expect(services.worker?.depends_on).toMatchObject({
      migrate: { condition: 'service_completed_successfully' },
    })
  })

  it('lets the worker end, keeps queues, holds no password, and shows the world nginx alone', () => {
    expect(Number.parseInt(services.worker!.stop_grace_period!, 10)).toBeGreaterThanOrEqual(20)
    expect(services.redis!.command!.join(' ')).toContain('--maxmemory-policy noeviction')
    const passwords = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|TOKEN|SECRET/.test(name)),
    )
    expect(passwords.length).toBeGreaterThan(1)
    for (const [, value] of passwords) expect(value).toMatch(/^\$\{/)
    for (const [name, { ports = [] }] of Object.entries(services)) {
      if (name !== 'nginx') for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    }
  })

  it('runs programs that are there', () => {
    for (const { command = [] } of Object.values(services)) {
      if (command[0] === 'node') expect(existsSync(join(ROOT, command[1]!))).toBe(true)
    }
  })
})

describe('nginx.conf', () => {
  const text = read('workers/ops/nginx.conf').replace(/#.*/g, '')

  it('is whole, and passes each event of the stream at once', () => {
    expect(text.split('{').length).toBe(text.split('}').length)
    for (const line of text.split('\n').map((one) => one.trim())) {
      if (line !== '') expect(line).toMatch(/[{};]$/)
    }
    const [stream = ''] = /location = \/v1\/stream \{[^}]*\}/.exec(text) ?? []
    for (const rule of ['proxy_buffering off;', 'proxy_cache off;', 'gzip off;']) {
      expect(stream).toContain(rule)
    }
    const [, seconds] = /proxy_read_timeout (\d+)s/.exec(stream) ?? []
    expect(Number(seconds)).toBeGreaterThan(30)
  })

  it('goes to the edge where compose has it', () => {
    expect(text).toContain('server edge:8787;')
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRailwayContext, project } from 'railway/iac'
import { expect, it } from 'vitest'
import program from '../../.railway/railway.ts'
import { SMALL_PROCESS } from '../../sandbox/environment.ts'

const root = join(import.meta.dirname, '../..')

it('describes the same service in railway.json and .railway/railway.ts', async () => {
  const legacy = JSON.parse(readFileSync(join(root, 'railway.json'), 'utf8'))
  const { resources = [] } = await program(createRailwayContext(), project)
  const [worker] = resources.flat()
  const { build, deploy } = worker as unknown as typeof legacy
  expect(deploy).toEqual(legacy.deploy)
  const withoutOwnFile = (patterns: string[]) => patterns.filter((name) => !/railway/.test(name))
  expect({ ...build, watchPatterns: withoutOwnFile(build.watchPatterns) }).toEqual({
    ...legacy.build,
    watchPatterns: withoutOwnFile(legacy.build.watchPatterns),
  })
})

it('runs in a region where exchanges answer, drains as it says, and holds no secret', async () => {
  const graph = await program(createRailwayContext(), project)
  const [worker] = (graph.resources ?? []).flat() as unknown as [
    { deploy: Record<string, number>; variables: Record<string, { value?: string }> },
  ]
  const { deploy, variables } = worker
  expect(Object.keys(deploy.multiRegionConfig ?? {}).join()).not.toMatch(/^us|,us/)
  // the new form of the file has no keys for them on every plan: variables say the same
  const said = (name: string) => Number(variables[name]?.value ?? variables[name])
  expect(said('RAILWAY_DEPLOYMENT_OVERLAP_SECONDS')).toBe(deploy.overlapSeconds)
  expect(said('RAILWAY_DEPLOYMENT_DRAINING_SECONDS')).toBe(deploy.drainingSeconds)
  for (const secret of ['REDIS_URL', 'DATABASE_URL']) {
    expect(JSON.stringify(variables[secret])).not.toContain('://')
  }
  expect(said('MALLOC_ARENA_MAX')).toBe(Number(SMALL_PROCESS.MALLOC_ARENA_MAX))
})

it('gives the worker more time to end than it takes', () => {
  const { deploy } = JSON.parse(readFileSync(join(root, 'railway.json'), 'utf8'))
  const source = readFileSync(join(import.meta.dirname, 'shutdown.ts'), 'utf8')
  const deadline_ms = Number(/DEADLINE_MS = ([\d_]+)/.exec(source)?.[1]?.replaceAll('_', ''))
  expect(deadline_ms).toBeLessThan(deploy.drainingSeconds * 1_000)
})

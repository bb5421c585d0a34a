/**
 * What can be known of the workflows without running them: who they trust, what they may do, that
 * they show no secret, and that every command in them is there.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import packageJson from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, '.github/workflows')

const Permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const Step = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const Job = z.strictObject({
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  'runs-on': z.literal('ubuntu-24.04').optional(),
  'timeout-minutes': z.int().optional(),
  environment: z.object({ name: z.string(), url: z.string() }).optional(),
  permissions: Permissions,
  uses: z.string().optional(),
  steps: z.array(Step).optional(),
})
const Workflow = z.strictObject({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  concurrency: z.object({ group: z.string() }).loose(),
  permissions: z.strictObject({}),
  env: z.record(z.string(), z.string()).optional(),
  jobs: z.record(z.string(), Job),
})

const files = readdirSync(FOLDER)
const workflows = files.map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  return { file, text, workflow: Workflow.parse(parse(text)) }
})
const steps = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).flatMap(([job, { steps = [] }]) =>
    steps.map((step) => ({ where: `${file} ${job} ${step.name ?? step.run ?? step.uses}`, step })),
  ),
)

it('are the three that there should be', () => {
  expect(files.toSorted()).toEqual(['ci.yml', 'deploy.yml', 'nightly.yml'])
})

describe.each(workflows)('$file', ({ text, workflow }) => {
  it('trusts only commits, each with the version that it is', () => {
    for (const [, reference = ''] of text.matchAll(/uses: *(.+)/g)) {
      if (reference.startsWith('./')) expect(existsSync(join(ROOT, reference))).toBe(true)
      else expect(reference).toMatch(/^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
  })

  it('gives each job what it needs and a time to end', () => {
    for (const [name, job] of Object.entries(workflow.jobs)) {
      const writes = Object.entries(job.permissions).filter(([, level]) => level === 'write')
      expect(writes).toEqual(name === 'mark' ? [['contents', 'write']] : [])
      if (job.uses === undefined) expect(job['timeout-minutes']).toBeGreaterThan(0)
      // who may write runs nothing of this repository
      if (writes.length > 0) expect(JSON.stringify(job.steps)).not.toMatch(/checkout|npm|node /)
      for (const needed of [job.needs ?? []].flat()) expect(workflow.jobs).toHaveProperty(needed)
    }
  })

  it('keeps no credentials of git and no step without a purpose', () => {
    for (const { steps = [] } of Object.values(workflow.jobs)) {
      for (const step of steps) {
        expect(Number(step.run !== undefined) + Number(step.uses !== undefined)).toBe(1)
        if (step.uses?.startsWith('actions/checkout@')) {
          expect(step.with).toMatchObject({ 'persist-credentials': false })
        }
      }
    }
  })
})

describe('the steps', () => {
  it.each(steps.map(({ where, step }) => [where, step] as const))('%s', (_where, step) => {
    const { run = '', env = {}, with: inputs = {} } = step
    // an expression in a script is a place for somebody else's code, and a secret in it is printed
    expect(run).not.toContain('${{')
    expect(run).not.toMatch(/\b(echo|printf|cat)\b[^\n]*\$\{?\w*(TOKEN|SECRET|KEY|PASSWORD|URL)\b/)
    expect(run).not.toMatch(/set -x|curl[^\n]*\| *(ba)?sh/)
    for (const [name, value] of Object.entries({ ...env, ...inputs })) {
      if (!String(value).includes('secrets.')) continue
      expect(value).toBe(`\${{ secrets.${name} }}`)
    }
    for (const [, script = ''] of run.matchAll(
      /npm run (?:-s )?([\w:-]+)(?![\w:-]| --if-present)/g,
    )) {
      expect(packageJson.scripts).toHaveProperty(script)
    }
    for (const [, file = ''] of run.matchAll(/\bnode ([\w./-]+)/g)) {
      expect(existsSync(join(ROOT, file)), file).toBe(true)
    }
    for (const [, tool = ''] of run.matchAll(/\bnpx ([\w-]+)/g)) {
      expect({ ...packageJson.dependencies, ...packageJson.devDependencies }).toHaveProperty(tool)
    }
    for (const [file] of run.matchAll(/\.ci\/[\w-]+/g)) {
      expect(statSync(join(ROOT, file)).mode & 0o111, `${file} can be run`).not.toBe(0)
    }
  })

  it('deploy in the order that lets the old code run on', () => {
    const { jobs } = workflows.find(({ file }) => file === 'deploy.yml')!.workflow
    const names = jobs.deploy!.steps!.map(({ name }) => name).filter(Boolean)
    const order = [
      'Tables',
      'Worker',
      'Edge',
      'Smoke test',
      'The edge goes back',
      'The worker goes back',
    ]
    expect(names.filter((name) => order.includes(name!))).toEqual(order)
    expect(jobs.deploy!.needs).toBe('ci')
  })
})

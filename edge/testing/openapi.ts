/** The served OpenAPI document in tests: its operations, and whether an answer is one that it describes. */
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect } from 'vitest'
import { z } from 'zod'

const Parameter = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  schema: z.looseObject({}),
})
const Described = z.looseObject({
  headers: z.record(z.string(), z.looseObject({ required: z.boolean().optional() })).optional(),
  content: z.record(z.string(), z.object({ schema: z.looseObject({}) })).optional(),
})
const OperationObject = z.looseObject({
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(Parameter).optional(),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) })
    .optional(),
  responses: z.record(z.string(), Described),
})
const Document = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), OperationObject)),
})

export interface Operation extends z.infer<typeof OperationObject> {
  /** such as "GET /v1/keys/{id}" */
  readonly id: string
  readonly method: string
  readonly path: string
}

export class OpenApi {
  readonly operations: readonly Operation[]
  readonly #validator = new Ajv2020({ strict: false, allErrors: true })
  readonly #compiled = new Map<string, ValidateFunction>()

  /** The document that this deployment serves. */
  static async of(url: string): Promise<OpenApi> {
    return new OpenApi(Document.parse(await (await fetch(`${url}/openapi.json`)).json()))
  }

  private constructor(document: z.infer<typeof Document>) {
    addFormats.default(this.#validator)
    this.#validator.addSchema({ ...(closed(document) as object), $id: 'openapi' })
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([name, operation]) => {
        const method = name.toUpperCase()
        return { ...operation, id: `${method} ${path}`, method, path }
      }),
    )
  }

  /** Whose path this is, without a query. @throws Error when it is nobody's */
  find(method: string, path: string): Operation {
    const found = this.operations.find((one) => one.method === method && patternOf(one).test(path))
    if (found === undefined) throw new Error(`openapi.json has no ${method} ${path}`)
    return found
  }

  /** Holds an answer to what is said of it: its status, its headers, its type and its body. */
  async check(operation: Operation, response: Response, asked: string): Promise<void> {
    const { status } = response
    const described = operation.responses[status]
    expect(described, `${asked}: ${status} is not described`).toBeDefined()
    for (const [name, { required }] of Object.entries(described?.headers ?? {})) {
      if (required === true) expect(response.headers.has(name), `${asked}: ${name}`).toBe(true)
    }
    const body = await bodyOf(response)
    if (described?.content === undefined) return expect(body, asked).toBe('')
    const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
    expect(Object.keys(described.content), asked).toContain(type)
    const names = [operation.path, operation.method.toLowerCase(), 'responses', `${status}`]
    const validate = this.validator(['paths', ...names, 'content', type, 'schema'])
    const value: unknown = type.endsWith('json') ? JSON.parse(body) : body
    expect(validate(value), `${asked}: ${JSON.stringify(validate.errors)}`).toBe(true)
  }

  /** Of the schema at this place in the document. */
  validator(names: readonly string[]): ValidateFunction {
    const pointer = names
      .map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    const known = this.#compiled.get(pointer)
    if (known !== undefined) return known
    const compiled = this.#validator.compile({ $ref: `openapi#/${pointer}` })
    this.#compiled.set(pointer, compiled)
    return compiled
  }
}

/** The paths of an operation. */
export function patternOf({ path }: Operation): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)
}

/** Of a stream only how it begins. */
async function bodyOf(response: Response): Promise<string> {
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text()
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader?.read()
  await reader?.cancel()
  return first?.value ?? ''
}

/** Also says no to fields that are not described. */
export function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([name, one]) => [name, closed(one)]))
  const is_object = copy.type === 'object' && typeof copy.properties === 'object'
  return is_object && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy
}

/** Holds any answer to what openapi.json says of it; fields that are not described are refused too. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { z } from 'zod'

const Described = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        responses: z.record(
          z.string(),
          z.looseObject({ content: z.record(z.string(), z.unknown()).optional() }),
        ),
      }),
    ),
  ),
})

export interface Answered {
  readonly method: string
  /** as it was asked, without the query */
  readonly path: string
  readonly status: number
  /** null: no body */
  readonly content_type: string | null
  readonly body: unknown
}

/** @returns what is wrong with an answer; null when it is as described */
export async function readDescription(url: string): Promise<(answer: Answered) => string | null> {
  const document = Described.parse(await (await fetch(`${url}/openapi.json`)).json())
  const validator = new Ajv2020({ strict: false, allErrors: true, logger: false })
  addFormats.default(validator)
  validator.addSchema({ ...(closed(document) as object), $id: 'openapi' })
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
  }))

  return ({ method, path, status, content_type, body }) => {
    const template = templates.find(({ pattern }) => pattern.test(path))?.template
    const what = `${method} ${path} ${status} ${content_type}`
    if (template === undefined) return `${what}: no such path`
    const verb = method.toLowerCase()
    const response = document.paths[template]?.[verb]?.responses[status]
    if (response === undefined) return `${what}: no such answer`
    if (content_type === null) return response.content === undefined ? null : `${what}: no body`
    if (response.content?.[content_type] === undefined) return `${what}: no such type`
    const pointer = ['paths', template, verb, 'responses', `${status}`, 'content', content_type]
    const escaped = [...pointer, 'schema'].map((name) =>
      encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')),
    )
    const validate = validator.compile({ $ref: `openapi#/${escaped.join('/')}` })
    if (!validate(body)) return `${what}: ${JSON.stringify(validate.errors)}`
    return validate({ another: 'body' }) ? `${what}: anything would do` : null
  }
}

/** Also says no to fields that are not described. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([name, one]) => [name, closed(one)]))
  const is_object = copy.type === 'object' && typeof copy.properties === 'object'
  return is_object && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy
}

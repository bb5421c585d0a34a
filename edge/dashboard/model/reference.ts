/**
 * What the page /docs shows of the OpenAPI and AsyncAPI documents: endpoints in groups, events, and
 * schemas as tables of fields. Pure; it understands the parts of JSON Schema that our documents use.
 */

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly format?: string
  readonly default?: unknown
  readonly description?: string
  readonly additionalProperties?: Schema | boolean
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}

interface OperationDocument {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly security?: readonly unknown[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly requestBody?: Content
  readonly responses?: Readonly<Record<string, Content & { readonly description?: string }>>
}

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

export interface EventDocument {
  readonly components?: {
    readonly messages?: Readonly<
      Record<string, { readonly title?: string; readonly name?: string; readonly summary?: string }>
    >
  }
}

export interface Field {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly description: string
}

export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly description: string
  /** it can be opened as it stands */
  readonly is_open: boolean
  readonly parameters: readonly (Field & { readonly place: string })[]
  readonly body: string | null
  readonly responses: readonly { status: string; description: string; type: string }[]
}

export interface Group {
  readonly name: string
  readonly operations: readonly Operation[]
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

export function groupsOf({ paths }: ApiDocument): Group[] {
  const groups = new Map<string, Operation[]>()
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS) {
      const operation = item[method]
      if (operation === undefined) continue
      const name = operation.tags?.[0] ?? 'other'
      groups.set(name, [...(groups.get(name) ?? []), operationOf(method, path, operation)])
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }))
}

function operationOf(method: string, path: string, operation: OperationDocument): Operation {
  const { summary = '', description = '', parameters = [], requestBody, responses = {} } = operation
  return {
    id: `${method}-${path.replaceAll(/[^a-z0-9]+/gi, '-')}`,
    method: method.toUpperCase(),
    path,
    summary,
    description,
    is_open: method === 'get' && !parameters.some((one) => one.in === 'path' || one.required),
    parameters: parameters.map((one) => ({
      name: one.name,
      place: one.in,
      type: typeOf(one.schema ?? {}),
      required: one.required ?? false,
      description: one.description ?? one.schema?.description ?? '',
    })),
    body: requestBody === undefined ? null : contentType(requestBody),
    responses: Object.entries(responses).map(([status, response]) => ({
      status,
      description: response.description ?? '',
      type: contentType(response),
    })),
  }
}

/** What the stream and the webhooks carry. */
export function eventsOf({ components }: EventDocument) {
  return Object.entries(components?.messages ?? {}).map(([id, message]) => ({
    name: message.name ?? message.title ?? id,
    summary: message.summary ?? '',
  }))
}

export function schemasOf({ components }: ApiDocument) {
  return Object.entries(components?.schemas ?? {}).map(([name, schema]) => ({
    name,
    fields: Object.entries(schema.properties ?? {}).map(
      ([field, one]): Field => ({
        name: field,
        type: typeOf(one),
        required: schema.required?.includes(field) ?? false,
        description: one.description ?? '',
      }),
    ),
  }))
}

function contentType({ content = {} }: Content): string {
  return Object.values(content)
    .map(({ schema }) => typeOf(schema ?? {}))
    .filter((type, i, all) => all.indexOf(type) === i)
    .join(' or ')
}

/** In words: `string (date-time)`, `list of Opportunity`, `"buy" or "sell"`. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' or ')
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (several !== undefined) {
    return [...new Set(several.map(typeOf))].join(schema.allOf === undefined ? ' or ' : ' and ')
  }
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  if (schema.type === 'object') return objectType(schema)
  const types = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'anything')
  return schema.format === undefined ? String(types) : `${types} (${schema.format})`
}

function objectType({ properties, additionalProperties }: Schema): string {
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, one]) => `${name}: ${typeOf(one)}`)
    return `{ ${fields.join(', ')} }`
  }
  return typeof additionalProperties === 'object'
    ? `map to ${typeOf(additionalProperties)}`
    : 'object'
}

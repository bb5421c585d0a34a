/**
 * Where metrics are sent by OpenTelemetry's protocol, as settings. The variables have the names and the
 * form that OpenTelemetry gives them; config.ts reads them.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import { z } from 'zod'

export interface OtlpConfig {
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
}

export const otlpSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'a URL that starts with http:// or https://' })
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,]+(,[\w-]+=[^,]+)*$/, 'name=value, comma-separated')
    .refine(isPercentEncoded, 'values that are percent-encoded')
    .transform(headersOf)
    .optional(),
}

/** Null: nowhere. */
export function otlpOf(data: z.infer<z.ZodObject<typeof otlpSettings>>): OtlpConfig | null {
  const endpoint = data.OTEL_EXPORTER_OTLP_ENDPOINT
  return endpoint === undefined
    ? null
    : { endpoint, headers: data.OTEL_EXPORTER_OTLP_HEADERS ?? {} }
}

function isPercentEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [name.trim(), decodeURIComponent(value.join('=').trim())]
  })
  return Object.fromEntries(pairs)
}

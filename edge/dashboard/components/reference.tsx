/** The reference of the API: where to find what, each endpoint, the events, and the schemas. */
import type { Field, Group, Operation } from '../model/reference.ts'

interface ReferenceProps {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly origin: string
  readonly groups: readonly Group[]
  readonly events: readonly { readonly name: string; readonly summary: string }[]
  readonly schemas: readonly { readonly name: string; readonly fields: readonly Field[] }[]
}

export function Reference(props: ReferenceProps) {
  const { title, version, description, origin, groups, events, schemas } = props
  return (
    <div class="page reference">
      <a class="skip" href="#endpoints">
        Skip to the endpoints
      </a>
      <header class="reference-head">
        <h1>
          {title} <span class="chip">{version}</span>
        </h1>
        <p class="hint">{description}</p>
        <p>
          <a href="/openapi.json">OpenAPI</a> · <a href="/asyncapi.json">AsyncAPI</a> ·{' '}
          <a href="/">Dashboard</a>
        </p>
      </header>
      <div class="reference-columns">
        <nav aria-label="Endpoints">
          {groups.map(({ name, operations }) => (
            <section key={name}>
              <h2>{name}</h2>
              <ul>
                {operations.map(({ id, method, path }) => (
                  <li key={id}>
                    <a href={`#${id}`}>
                      <span class="method">{method}</span> {path}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          ))}
          <section>
            <h2>more</h2>
            <ul>
              <li>
                <a href="#events">Events</a>
              </li>
              <li>
                <a href="#schemas">Schemas</a>
              </li>
            </ul>
          </section>
        </nav>
        <main id="endpoints">
          {groups.flatMap(({ operations }) =>
            operations.map((one) => <Endpoint key={one.id} operation={one} origin={origin} />),
          )}
          <section class="card" id="events">
            <div class="card-head">
              <h2>Events of the stream and of webhooks</h2>
            </div>
            <dl class="events">
              {events.map(({ name, summary }) => (
                <div key={name}>
                  <dt>
                    <code>{name}</code>
                  </dt>
                  <dd>{summary}</dd>
                </div>
              ))}
            </dl>
          </section>
          <div id="schemas" class="schemas">
            {schemas.map(({ name, fields }) => (
              <section class="card" id={`schema-${name}`} key={name}>
                <div class="card-head">
                  <h2>{name}</h2>
                </div>
                <Fields fields={fields} caption={`Fields of ${name}`} />
              </section>
            ))}
          </div>
        </main>
      </div>
    </div>
  )
}

function Endpoint({ operation, origin }: { operation: Operation; origin: string }) {
  const { id, method, path, summary, description, parameters, responses, body, is_open } = operation
  return (
    <section class="card endpoint" id={id} aria-labelledby={`${id}-title`}>
      <div class="card-head">
        <h2 id={`${id}-title`}>
          <span class="method">{method}</span> <code>{path}</code>
        </h2>
        {is_open && <a href={path}>open</a>}
      </div>
      <p class="note">
        {summary}. {description}
      </p>
      {method === 'GET' && <pre class="curl">{`curl '${origin}${path}'`}</pre>}
      {parameters.length > 0 && <Fields fields={parameters} caption="Parameters" />}
      {body !== null && <p class="note">Body: {body}</p>}
      <dl class="events">
        {responses.map(({ status, description: meaning, type }) => (
          <div key={status}>
            <dt>
              <code>{status}</code>
            </dt>
            <dd>
              {meaning} {type !== '' && <code>{type}</code>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Fields({ fields, caption }: { fields: readonly Field[]; caption: string }) {
  return (
    <div class="fields">
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">name</th>
            <th scope="col">type</th>
            <th scope="col">meaning</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ name, type, required, description }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
                {required && <span class="chip">always</span>}
              </th>
              <td>{type}</td>
              <td>{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

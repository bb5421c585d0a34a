/**
 * The page /docs: draws the documents that the API serves about itself, from this origin alone. It
 * holds no text about any endpoint of its own, so it cannot disagree with what is answered.
 */
import { render } from 'preact'
import { Reference } from './components/reference.tsx'
import {
  type ApiDocument,
  type EventDocument,
  eventsOf,
  groupsOf,
  schemasOf,
} from './model/reference.ts'

async function read<T>(path: string): Promise<T> {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return response.json()
}

const root = document.getElementById('app')
if (root === null) throw new Error('the page has no #app')
try {
  const [api, events] = await Promise.all([
    read<ApiDocument>('/openapi.json'),
    read<EventDocument>('/asyncapi.json'),
  ])
  const { title, version, description } = api.info
  render(
    <Reference
      title={title}
      version={version}
      description={description ?? ''}
      origin={location.origin}
      groups={groupsOf(api)}
      events={eventsOf(events)}
      schemas={schemasOf(api)}
    />,
    root,
  )
} catch (error) {
  render(
    <p class="noscript" role="alert">
      The description of the API could not be read: {String(error)}
    </p>,
    root,
  )
}

/** One of the large figures at the top of a page. */
import type { ComponentChildren } from 'preact'

interface FigureProps {
  name: string
  children: ComponentChildren
  tone?: 'good' | 'faint' | undefined
  testid?: string
}

export function Figure({ name, children, tone, testid }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={tone} data-testid={testid}>
        {children}
      </dd>
    </div>
  )
}

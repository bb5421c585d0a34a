/**
 * Reads PromQL as far as our dashboard and rules use it, for the test that holds both to the metric
 * catalogue: whether an expression is well formed, and which metrics and labels it asks for. It
 * evaluates nothing and refuses what it does not know, so that a typing error cannot pass.
 */

export interface Asked {
  /** by metric, the labels that its matchers name */
  readonly metrics: ReadonlyMap<string, ReadonlySet<string>>
  /** labels of `by (…)`, `without (…)`, `on (…)` */
  readonly grouped_by: ReadonlySet<string>
}

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk', 'quantile'])
const FUNCTIONS = new Set([
  'abs',
  'absent',
  'changes',
  'clamp_min',
  'histogram_quantile',
  'increase',
  'rate',
])
const BINARY = new Set([
  '+',
  '-',
  '*',
  '/',
  '==',
  '!=',
  '>',
  '<',
  '>=',
  '<=',
  'and',
  'or',
  'unless',
])

const TOKEN =
  /\s*(?:(\[(?:\d+[smhd]|\$__rate_interval)\])|("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?(?:e\d+)?)|([A-Za-z_:][\w:]*)|(=~|!~|[=!<>]=|[-+*/<>=(){},]))/y

/** @throws Error that says where the expression goes wrong */
export function readPromql(text: string): Asked {
  const reader = new Reader(text)
  reader.expression()
  reader.end()
  return { metrics: reader.metrics, grouped_by: reader.grouped_by }
}

class Reader {
  readonly metrics = new Map<string, Set<string>>()
  readonly grouped_by = new Set<string>()
  private readonly text: string
  private readonly tokens: string[] = []
  private at = 0

  constructor(text: string) {
    this.text = text
    TOKEN.lastIndex = 0
    const end = text.trimEnd().length
    while (TOKEN.lastIndex < end) {
      const from = TOKEN.lastIndex
      const found = TOKEN.exec(text)
      if (found === null) throw new Error(`cannot read "${text.slice(from)}"`)
      this.tokens.push(found[0].trim())
    }
  }

  end(): void {
    if (this.at < this.tokens.length) this.fail('an operator or the end')
  }

  expression(): void {
    this.operand()
    while (BINARY.has(this.peek())) {
      this.next()
      if (this.peek() === 'on' || this.peek() === 'ignoring') {
        this.next()
        this.labelList()
      }
      this.operand()
    }
  }

  private operand(): void {
    if (this.peek() === '-') this.next()
    const token = this.next()
    if (token === '(') {
      this.expression()
      this.expect(')')
    } else if (AGGREGATIONS.has(token)) this.aggregation()
    else if (FUNCTIONS.has(token)) this.args()
    else if (/^[A-Za-z_:]/.test(token) && !BINARY.has(token)) this.selector(token)
    else if (!/^\d/.test(token)) this.fail('a metric, a function, a number or (', -1)
  }

  private aggregation(): void {
    const grouped = this.grouping()
    this.args()
    if (!grouped) this.grouping()
  }

  private grouping(): boolean {
    if (this.peek() !== 'by' && this.peek() !== 'without') return false
    this.next()
    this.labelList()
    return true
  }

  private labelList(): void {
    this.list('(', ')', () => this.grouped_by.add(this.name()))
  }

  private args(): void {
    this.list('(', ')', () => this.expression())
  }

  private selector(metric: string): void {
    const labels = this.metrics.get(metric) ?? new Set()
    this.metrics.set(metric, labels)
    if (this.peek() === '{') {
      this.list('{', '}', () => {
        labels.add(this.name())
        if (!['=', '!=', '=~', '!~'].includes(this.next())) this.fail('a matcher', -1)
        if (!this.next().startsWith('"')) this.fail('a string', -1)
      })
    }
    if (this.peek().startsWith('[')) this.next()
  }

  private list(open: string, close: string, member: () => void): void {
    this.expect(open)
    do member()
    while (this.peek() === ',' && this.next())
    this.expect(close)
  }

  private name(): string {
    const token = this.next()
    if (!/^[a-z_]\w*$/.test(token)) this.fail('a label', -1)
    return token
  }

  private peek(): string {
    return this.tokens[this.at] ?? ''
  }

  private next(): string {
    const token = this.peek()
    this.at++
    return token
  }

  private expect(token: string): void {
    if (this.next() !== token) this.fail(token, -1)
  }

  private fail(expected: string, offset = 0): never {
    const found = this.tokens[this.at + offset] ?? 'the end'
    throw new Error(`${this.text}: expected ${expected}, found ${found}`)
  }
}

/** The opportunities of the range one by one, newest first; more of them when somebody asks. */
import { useRef, useState } from 'preact/hooks'
import { reason } from '../../../../client/refused.ts'
import { duration, usd } from '../../../../shared/figures.ts'
import { walkRows } from '../../components/keyboard.ts'
import { expiryName } from '../../components/names.ts'
import { useParams } from '../../components/navigation.ts'
import { Nothing } from '../../components/parts.tsx'
import { Route } from '../../components/route.tsx'
import { Spacer } from '../../components/spacer.tsx'
import { useSlice } from '../../components/virtual.ts'
import { type HistoryPage, historyPage } from '../../model/answers.ts'
import { dayAndTime, percent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { exchangesOf } from '../../model/view.ts'

interface Props {
  first: HistoryPage
  /** of the history, without cursor and limit */
  query: string
  state: State
}

const PAGE = 500

export function Past({ first, query, state }: Props) {
  const { params, href } = useParams()
  const [pages, setPages] = useState<readonly HistoryPage[]>([first])
  const [asking, setAsking] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  const rows = pages.flatMap(({ data }) => data)
  const slice = useSlice(body, rows.length)
  const cursor = pages.at(-1)?.next_cursor ?? null

  async function more(): Promise<void> {
    setAsking(true)
    setFailure(null)
    try {
      const at = encodeURIComponent(cursor ?? '')
      const response = await fetch(`/v1/history?${query}&limit=${PAGE}&cursor=${at}`)
      const page = historyPage(await response.json().catch(() => null))
      if (page === null) throw new Error(`the server answered ${response.status}`)
      setPages([...pages, page])
    } catch (error) {
      setFailure(reason(error))
    }
    setAsking(false)
  }

  if (rows.length === 0) return <Nothing title="Nothing in this range" />
  return (
    <>
      <table
        class="table past"
        aria-labelledby="past-title"
        aria-rowcount={rows.length + 1}
        data-testid="past"
      >
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col" class="wide">
              Route
            </th>
            <th scope="col" class="number">
              Net %
            </th>
            <th scope="col" class="number wider">
              Size
            </th>
            <th scope="col" class="number wide">
              Profit
            </th>
            <th scope="col" class="number">
              Lived
            </th>
            <th scope="col" class="widest">
              Ended by
            </th>
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={walkRows}>
          <Spacer height_px={slice.above_px} columns={7} />
          {rows.slice(slice.first, slice.end).map((one, index) => (
            <tr
              key={one.id}
              class="row"
              data-id={one.id}
              data-open={params.get('open') === one.id}
              aria-rowindex={slice.first + index + 2}
            >
              <th scope="row">
                <a class="row-link" href={href({ open: one.id })}>
                  <span class="symbol">{one.symbol}</span>
                  <span class="hidden">: evidence</span>
                </a>
                <span class="under">{dayAndTime(one.detected_at)}</span>
              </th>
              <td class="wide">
                <Route opportunity={one} exchanges={exchangesOf(state)} />
              </td>
              <td class="number">
                {percent(one.profit_percent)}
                <span class="under">peak {percent(one.peak_profit_percent)}</span>
              </td>
              <td class="number wider">{usd(one.volume_usd)}</td>
              <td class="number wide">{usd(one.profit_usd)}</td>
              <td class="number">{duration(one.duration_ms ?? 0)}</td>
              <td class="widest faint">{expiryName(one.expiry_reason)}</td>
            </tr>
          ))}
          <Spacer height_px={slice.below_px} columns={7} />
        </tbody>
      </table>
      {cursor !== null && (
        <p class="more">
          <button type="button" class="button" disabled={asking} onClick={() => void more()}>
            {asking ? 'Asking…' : 'Show more'}
          </button>
          {failure !== null && <span role="alert">Not loaded: {failure}.</span>}
        </p>
      )}
    </>
  )
}

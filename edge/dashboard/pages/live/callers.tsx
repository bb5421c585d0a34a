/**
 * Sound and desktop notification for what is new, if somebody asked. What the filters hide is
 * nobody's news. It speaks at most once in a while: an alarm that never stops is not heard.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import { usd } from '../../../../shared/figures.ts'
import { Icon } from '../../components/icons.tsx'
import { useParams } from '../../components/navigation.ts'
import { filtersOf, passes } from '../../model/filters.ts'
import { percent } from '../../model/format.ts'
import type { State } from '../../model/state.ts'
import { chime, notify, readWish, writeWish } from './calling.ts'

const SOUND_EVERY_MS = 1_500
const NOTIFY_EVERY_MS = 15_000

export function Callers({ state }: { state: State }) {
  const { params } = useParams()
  const [sound, setSound] = useState(() => readWish('sound'))
  const [desktop, setDesktop] = useState(
    () => readWish('notify') && 'Notification' in window && Notification.permission === 'granted',
  )
  const [refusal, setRefusal] = useState('')
  const known = useRef<ReadonlySet<string> | null>(null)
  const last = useRef({ sound_ms: 0, notify_ms: 0 })

  useEffect(() => {
    const live = [...state.rows.values()].filter(({ ended_ms }) => ended_ms === null)
    const heard = known.current
    known.current = new Set(state.rows.keys())
    // what was there when we came is not new
    if (heard === null || state.live_set.heard_ms === null) return
    const filters = filtersOf(params)
    const fresh = live
      .map(({ opportunity }) => opportunity)
      .filter((opportunity) => !heard.has(opportunity.id) && passes(opportunity, filters))
    const [first, ...others] = fresh
    if (first === undefined) return
    if (sound && state.now_ms - last.current.sound_ms >= SOUND_EVERY_MS) {
      last.current.sound_ms = state.now_ms
      chime()
    }
    if (
      desktop &&
      !document.hasFocus() &&
      state.now_ms - last.current.notify_ms >= NOTIFY_EVERY_MS
    ) {
      last.current.notify_ms = state.now_ms
      const more = others.length > 0 ? `, and ${others.length} more` : ''
      const body = `${usd(first.profit_usd)} on ${usd(first.volume_usd)}${more}`
      notify(`${first.symbol} ${percent(first.profit_percent)}% net`, body)
    }
  }, [state, params, sound, desktop])

  function toggleSound(): void {
    writeWish('sound', !sound)
    setSound(!sound)
    // A click is when a browser lets a page begin to sound, and how one hears what it will be like.
    if (!sound) chime()
  }

  async function toggleDesktop(): Promise<void> {
    if (!desktop && !('Notification' in window)) {
      setRefusal('This browser has no notifications')
      return
    }
    const allowed = !desktop && (await Notification.requestPermission()) === 'granted'
    setRefusal(!desktop && !allowed ? 'This browser does not allow it' : '')
    writeWish('notify', allowed)
    setDesktop(allowed)
  }

  return (
    <div class="callers">
      <button type="button" class="toggle" aria-pressed={sound} onClick={toggleSound}>
        <Icon name="sound" />
        Sound
      </button>
      <button
        type="button"
        class="toggle"
        aria-pressed={desktop}
        onClick={() => void toggleDesktop()}
      >
        <Icon name="notify" />
        Notify
      </button>
      <span class="callers-refusal" role="status">
        {refusal}
      </span>
    </div>
  )
}

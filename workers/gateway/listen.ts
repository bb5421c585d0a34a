/** What a socket says after its handshake: another wish, at most so often. */
import type { Clock } from '../../shared/clock.ts'
import { type Problem, problem } from '../../shared/problem.ts'
import { Selection } from '../../shared/selection.ts'
import type { Connection } from './connection.ts'
import type { Reader } from './reader.ts'
import { PATH, read, Wish } from './wish.ts'

const WISHES_MAX = 20
const WINDOW_MS = 10_000

/** What the socket asks for later replaces what it asked for before. */
export function listen(socket: Connection, reader: Reader, clock: Clock): void {
  let wishes = 0
  let window_ms = Number.NEGATIVE_INFINITY
  socket.onAny((name: string, given: unknown, ...rest: unknown[]) => {
    const acknowledge = [given, ...rest].find((one) => typeof one === 'function')
    const answer = (value: { ok: true; id: string } | { ok: false; problem: Problem }) => {
      if (acknowledge !== undefined) acknowledge(value)
      else if (!value.ok) socket.emit('problem', value.problem)
    }
    if (clock.monotonic_ms() - window_ms >= WINDOW_MS) {
      window_ms = clock.monotonic_ms()
      wishes = 0
    }
    wishes++
    if (wishes > WISHES_MAX) {
      const detail = `at most ${WISHES_MAX} messages in ${WINDOW_MS / 1_000} s`
      return answer({ ok: false, problem: problem('rate_limited', detail, PATH) })
    }
    if (name !== 'subscribe') {
      const errors = [{ field: 'event', value: name, expected: 'subscribe' }]
      return answer({
        ok: false,
        problem: problem('invalid_request', 'event is not valid', PATH, errors),
      })
    }
    const wish = read(Wish, typeof given === 'function' ? {} : given)
    if (!wish.ok) return answer(wish)
    const position = wish.value.last_event_id ?? reader.position
    reader.change(selectionOf({ ...wish.value, last_event_id: position }), position)
    answer({ ok: true, id: position })
    tellWish(socket, wish.value, position)
    reader.wake()
  })
}

export function tellWish(socket: Connection, { filters, types }: Wish, id: string): void {
  socket.emit('subscribed', { id, filters, types: types ?? null })
}

export function selectionOf({ filters, types, last_event_id }: Wish): Selection {
  return new Selection({ filters, types, resumed_from: last_event_id ?? null })
}

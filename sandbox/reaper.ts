/**
 * Ends what this process started when this process cannot do it itself any more (SIGKILL, a crash).
 * A tiny shell in its own session is told every child over a pipe; the pipe's end is the alarm.
 * It knows only process ids that it was told, and forgets one as soon as that child has ended.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const DEADLINE_TENTHS = 50

const SCRIPT = `
trap '' INT TERM HUP
watched=
while read -r verb pid; do
  case $verb in
    watch) watched="$watched $pid" ;;
    forget)
      rest=
      for other in $watched; do [ "$other" = "$pid" ] || rest="$rest $other"; done
      watched=$rest ;;
  esac
done
for pid in $watched; do kill -s TERM "$pid"; done
tenths=0
while [ $tenths -lt ${DEADLINE_TENTHS} ]; do
  alive=
  for pid in $watched; do kill -s 0 -- "-$pid" && alive=yes; done
  [ -n "$alive" ] || exit 0
  sleep 0.1
  tenths=$((tenths + 1))
done
for pid in $watched; do kill -s KILL -- "-$pid"; done
`

let reaper: ChildProcess | undefined

function tell(line: string): void {
  if (reaper === undefined) {
    reaper = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    reaper.on('error', () => {})
    reaper.stdin?.on('error', () => {})
    reaper.unref()
  }
  reaper.stdin?.write(`${line}\n`)
}

/** The leader of a process group that must not outlive this process. */
export function watch(pid: number): void {
  tell(`watch ${pid}`)
}

export function forget(pid: number): void {
  tell(`forget ${pid}`)
}

/** What the system says of a process. */
import { readFile } from 'node:fs/promises'

/** @throws Error when there is no such process, or the system does not tell */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has ended`)
  return Number(kilobytes) * 1_024
}

const ESTABLISHED = '01'

/** Connections to a port of this machine that the system still counts as open on the server's side. */
export async function openConnections(port: number): Promise<number> {
  return (await sockets(port)).filter(({ here, state }) => here && state === ESTABLISHED).length
}

/** What was sent to or from that port and waits in the system to be read. */
export async function queuedBytes(port: number): Promise<number> {
  return (await sockets(port)).reduce((sum, { queued_bytes }) => sum + queued_bytes, 0)
}

/** Both ends of all connections to a port. https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt */
async function sockets(port: number) {
  const name = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', remote = '']) => local.endsWith(name) || remote.endsWith(name))
    .map(([, local = '', , state = '', queues = '']) => {
      const [sending = '', received = ''] = queues.split(':')
      const queued_bytes = Number.parseInt(sending, 16) + Number.parseInt(received, 16)
      return { here: local.endsWith(name), state, queued_bytes }
    })
}

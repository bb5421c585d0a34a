/**
 * Free ports of the loopback interface. It does not reserve them: between finding one and using it
 * another program may take it, so whoever starts a server on a found port tries again with another.
 */
import { createServer } from 'node:net'
import { SetupError } from './failure.ts'

const LOOPBACK = '127.0.0.1'

/** Tries to listen; resolves to the port, or to the error's code when that is not possible. */
function probe(port: number, host: string | undefined): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, ...(host === undefined ? {} : { host }), exclusive: true }, () => {
      const address = server.address()
      const found = address !== null && typeof address === 'object' ? address.port : port
      server.close(() => resolve(found))
    })
  })
}

export async function freePort(): Promise<number> {
  const port = await probe(0, LOOPBACK)
  if (typeof port === 'number') return port
  throw new SetupError(`no free port on ${LOOPBACK}: ${port}`)
}

/**
 * Refuses a port that something else listens on, on loopback or on all interfaces.
 * @throws SetupError that names the port, the variable that moves it and what to do
 */
export async function requireFreePort(port: number, variable_name: string): Promise<void> {
  for (const host of [LOOPBACK, undefined]) {
    const answer = await probe(port, host)
    if (typeof answer === 'number') continue
    if (answer === 'EACCES') {
      throw new SetupError(
        `port ${port} (${variable_name}) may not be used by this user; choose one above 1023, for example ${variable_name}=${port + 8000}`,
      )
    }
    throw new SetupError(
      `port ${port} (${variable_name}) is already in use; stop what listens there, or choose another, for example ${variable_name}=${port + 1}`,
    )
  }
}

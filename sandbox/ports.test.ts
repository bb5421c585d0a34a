import { createServer } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { SetupError } from './failure.ts'
import { freePort, requireFreePort } from './ports.ts'

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function occupy(host: string | undefined): Promise<number> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve))
  return (server.address() as { port: number }).port
}

it('finds ports that can be used', async () => {
  const port = await freePort()
  await expect(requireFreePort(port, 'PORT')).resolves.toBeUndefined()
})

it.each([['127.0.0.1'], ['0.0.0.0'], [undefined]])(
  'refuses a port that is taken on %s, naming it, its variable and a way out',
  async (host) => {
    const port = await occupy(host)
    const refusal = requireFreePort(port, 'EDGE_PORT')
    await expect(refusal).rejects.toThrow(SetupError)
    await expect(refusal).rejects.toThrow(
      `port ${port} (EDGE_PORT) is already in use; stop what listens there, or choose another, for example EDGE_PORT=${port + 1}`,
    )
  },
)

/** HTTP servers of our own that stand for those of others: on any free port, gone when they are told. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Its address. @throws Error when it cannot listen */
export function listening(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

/** With all its connections. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

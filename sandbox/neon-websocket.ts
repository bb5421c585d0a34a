/**
 * `/v2`, the WebSocket tunnel that Neon's Pool and Client speak PostgreSQL through. Every tunnel ends
 * at the one configured server, whatever `?address=` asks for: it is no open proxy.
 * https://github.com/neondatabase/serverless/blob/main/CONFIG.md#wsproxy-string--host-string-port-number--string--string
 */
import type { Server } from 'node:http'
import net from 'node:net'
import { pipeline } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'

/** Returns what ends all tunnels at once. */
export function tunnelToPostgres(server: Server, database_url: string): () => void {
  const { hostname, port } = new URL(database_url)
  const tunnels = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.on('upgrade', (request, socket, head) => {
    if (new URL(`http://gateway${request.url}`).pathname !== '/v2') {
      return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    }
    tunnels.handleUpgrade(request, socket, head, (websocket) => {
      const postgres = net.connect({ host: hostname, port: Number(port || 5432), noDelay: true })
      const client = createWebSocketStream(websocket)
      // Either side may end or break first; pipeline then ends the other, and both know the rest.
      pipeline(client, postgres, client, () => websocket.terminate())
    })
  })
  return () => {
    for (const websocket of tunnels.clients) websocket.terminate()
  }
}

// @ts-check
/**
 * Loaded before the worker's own code, as if this machine's list of name servers were another one: every
 * resolver asks the server that NAME_SERVER names. Nothing else of the worker is changed.
 */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'

const { NAME_SERVER: name_server } = process.env
if (name_server === undefined) throw new Error('NAME_SERVER is not set')
const servers = [name_server]

const { Resolver } = dns.promises
dns.promises.Resolver = class extends Resolver {
  /** @param {import('node:dns').ResolverOptions} [options] */
  constructor(options) {
    super(options)
    this.setServers(servers)
  }
}
syncBuiltinESMExports()

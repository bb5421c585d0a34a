/** Where the same data is for machines, and what these figures are not. */

export function Footer() {
  return (
    <footer class="footer">
      <nav aria-label="For machines">
        <a href="/docs">API</a>
        <a href="/openapi.json">OpenAPI</a>
        <a href="/health">Health</a>
      </nav>
      <p>
        Measured on order books as received. No promise that an order would fill, and no advice.
      </p>
    </footer>
  )
}

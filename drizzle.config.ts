/** `npm run migrate:generate` writes the SQL of a changed schema; workers/migrate.ts applies it. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './shared/database/schema.ts',
  out: './shared/database/migrations',
})

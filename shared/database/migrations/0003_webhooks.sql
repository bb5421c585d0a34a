DROP INDEX "idx_webhook_attempts_endpoint";--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ALTER COLUMN "key_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "webhook_messages" ALTER COLUMN "body" SET DATA TYPE text;--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD COLUMN "log_id" varchar(40) NOT NULL;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ADD COLUMN "failing_since" timestamp(3) with time zone;--> statement-breakpoint
CREATE INDEX "idx_webhook_attempts_endpoint" ON "webhook_attempts" USING btree ("endpoint_id","id" DESC NULLS FIRST);--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_log_id_unique" UNIQUE("log_id");
DROP INDEX "idx_webhook_attempts_message";--> statement-breakpoint
CREATE INDEX "idx_webhook_attempts_missed" ON "webhook_attempts" USING btree ("endpoint_id","message_id") WHERE "webhook_attempts"."result" = 'missed';--> statement-breakpoint
CREATE INDEX "idx_webhook_attempts_message" ON "webhook_attempts" USING btree ("message_id","endpoint_id");
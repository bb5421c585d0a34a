CREATE INDEX "idx_sell_detected" ON "opportunities" USING btree ("sell_exchange","detected_at" DESC NULLS FIRST,"id" DESC NULLS FIRST) WHERE "status" = 'expired';--> statement-breakpoint
CREATE INDEX "idx_type_detected" ON "opportunities" USING btree ("type","detected_at" DESC NULLS FIRST,"id" DESC NULLS FIRST) WHERE "status" = 'expired';--> statement-breakpoint
CREATE INDEX "idx_transfer_detected" ON "opportunities" USING btree ("transfer","detected_at" DESC NULLS FIRST,"id" DESC NULLS FIRST) WHERE "status" = 'expired';--> statement-breakpoint
CREATE INDEX "idx_profit_percent" ON "opportunities" USING btree ("profit_percent") WHERE "status" = 'expired';--> statement-breakpoint
CREATE INDEX "idx_volume_usd" ON "opportunities" USING btree ("volume_usd") WHERE "status" = 'expired';--> statement-breakpoint
CREATE INDEX "idx_leg_exchanges" ON "opportunities" USING gin ((string_to_array(translate(jsonb_path_query_array("legs", '$[*].exchange')::text, '[]" ', ''), ',')));
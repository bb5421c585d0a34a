CREATE TABLE "api_keys" (
	"id" varchar(40) PRIMARY KEY NOT NULL,
	"name" varchar(100) NOT NULL,
	"hash" varchar(64) NOT NULL,
	"scopes" jsonb NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp(3) with time zone,
	"revoked_at" timestamp(3) with time zone,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "opportunities" (
	"id" varchar(64) PRIMARY KEY NOT NULL,
	"type" varchar(32) NOT NULL,
	"symbol" varchar(64) NOT NULL,
	"buy_exchange" varchar(32) NOT NULL,
	"sell_exchange" varchar(32) NOT NULL,
	"buy_price" numeric NOT NULL,
	"sell_price" numeric NOT NULL,
	"gross_percent" numeric NOT NULL,
	"profit_percent" numeric NOT NULL,
	"profit_usd" numeric NOT NULL,
	"volume_usd" numeric NOT NULL,
	"base_size" numeric NOT NULL,
	"depth_exhausted" boolean NOT NULL,
	"transfer" varchar(16) NOT NULL,
	"skew_ms" integer NOT NULL,
	"simulated" boolean NOT NULL,
	"status" varchar(16) DEFAULT 'detected' NOT NULL,
	"legs" jsonb NOT NULL,
	"markouts" jsonb NOT NULL,
	"detected_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	"expired_at" timestamp(3) with time zone,
	"duration_ms" integer,
	"expiry_reason" varchar(16),
	"peak_profit_percent" numeric NOT NULL,
	"last_event_id" varchar(40) NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhook_attempts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_attempts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"endpoint_id" varchar(40) NOT NULL,
	"message_id" varchar(64) NOT NULL,
	"attempt" integer NOT NULL,
	"result" varchar(16) NOT NULL,
	"response_status" integer,
	"response_body" text,
	"error" text,
	"duration_ms" integer,
	"attempted_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhook_endpoints" (
	"id" varchar(40) PRIMARY KEY NOT NULL,
	"key_id" varchar(40) NOT NULL,
	"url" text NOT NULL,
	"event_types" jsonb NOT NULL,
	"filters" jsonb NOT NULL,
	"format" varchar(16) DEFAULT 'standard' NOT NULL,
	"min_interval_ms" integer DEFAULT 0 NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"disabled_reason" text,
	"secret" text NOT NULL,
	"previous_secret" text,
	"previous_secret_until" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhook_messages" (
	"id" varchar(64) PRIMARY KEY NOT NULL,
	"type" varchar(64) NOT NULL,
	"body" jsonb NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_endpoint_id_webhook_endpoints_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."webhook_endpoints"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_message_id_webhook_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."webhook_messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_key_id_api_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."api_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idx_symbol" ON "opportunities" USING btree ("symbol");--> statement-breakpoint
CREATE INDEX "idx_status" ON "opportunities" USING btree ("status");--> statement-breakpoint
CREATE INDEX "idx_created" ON "opportunities" USING btree ("created_at" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "idx_detected" ON "opportunities" USING btree ("detected_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "idx_webhook_attempts_endpoint" ON "webhook_attempts" USING btree ("endpoint_id","attempted_at" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "idx_webhook_attempts_message" ON "webhook_attempts" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "idx_webhook_messages_created" ON "webhook_messages" USING btree ("created_at" DESC NULLS FIRST);
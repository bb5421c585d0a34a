ALTER TABLE "api_keys" ADD COLUMN "prefix" varchar(16) NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "requests_per_minute" integer;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "streams" integer;
-- Whoever changes a subscription, the workers hear of it at once (LISTEN webhook_endpoints).
CREATE FUNCTION "notify_webhook_endpoints"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('webhook_endpoints', COALESCE(NEW.id, OLD.id));
  RETURN NULL;
END
$$;--> statement-breakpoint
CREATE TRIGGER "webhook_endpoints_changed" AFTER INSERT OR UPDATE OR DELETE ON "webhook_endpoints"
  FOR EACH ROW EXECUTE FUNCTION "notify_webhook_endpoints"();

namespace Sendcat.Reliability.Idempotency;

/// <summary>The table of the inbox as its migration creates it.</summary>
internal static class InboxTable
{
    public const string Create = """
        CREATE TABLE reliability.webhook_inbox (
            scope         text NOT NULL,
            key           text NOT NULL,
            delivery_id   uuid NOT NULL,
            job_id        uuid,
            hit_count     integer NOT NULL,
            first_seen_at timestamptz NOT NULL,
            last_seen_at  timestamptz NOT NULL,
            expires_at    timestamptz NOT NULL,
            PRIMARY KEY (scope, key)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
        CREATE INDEX webhook_inbox_recent ON reliability.webhook_inbox (scope, first_seen_at DESC, delivery_id DESC);
        CREATE INDEX webhook_inbox_expired ON reliability.webhook_inbox (expires_at);
        """;

    public const string Drop = "DROP TABLE reliability.webhook_inbox;";
}

namespace Sendcat.Reliability.ToolJobs.Ledger;

/// <summary>
/// The tables of the queue as the first migration creates them. All times come from the database clock, so the clocks of the workers do not
/// matter.
/// </summary>
internal static class ToolJobTables
{
    public const string Create = """
        CREATE TABLE reliability.tool_jobs (
            id                 uuid PRIMARY KEY,
            tool               text NOT NULL,
            qos_class          text NOT NULL,
            principal          text NOT NULL,
            args               text NOT NULL,
            cache_namespace    text,
            cache_key          text,
            status             text NOT NULL DEFAULT 'queued'
                               CHECK (status IN ('queued', 'running', 'completed', 'failed', 'dead_letter', 'cancelled')),
            attempts           integer NOT NULL DEFAULT 0,
            max_attempts       integer NOT NULL,
            waiters            integer NOT NULL DEFAULT 0,
            over_cap           boolean NOT NULL DEFAULT false,
            replay_count       integer NOT NULL DEFAULT 0,
            token              bigint NOT NULL DEFAULT 0,
            lease_owner        text,
            lease_expires_at   timestamptz,
            available_at       timestamptz NOT NULL,
            fair_at            timestamptz NOT NULL,
            announced_at       timestamptz NOT NULL,
            created_at         timestamptz NOT NULL,
            updated_at         timestamptz NOT NULL,
            started_at         timestamptz,
            completed_at       timestamptz,
            expires_at         timestamptz,
            dead_letter_at     timestamptz,
            dead_letter_reason text,
            last_error         text,
            error_fingerprint  text,
            history            jsonb NOT NULL DEFAULT '[]',
            trace_parent       text,
            trace_state        text,
            result             text
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

        -- One partial index for each frequent query. Only the last index contains finished jobs.
        CREATE INDEX tool_jobs_ready ON reliability.tool_jobs (tool, fair_at, id) WHERE status = 'queued';
        CREATE INDEX tool_jobs_running ON reliability.tool_jobs (tool) WHERE status = 'running';
        CREATE INDEX tool_jobs_live_of_principal ON reliability.tool_jobs (tool, principal) WHERE status IN ('queued', 'running');
        CREATE UNIQUE INDEX tool_jobs_live_of_cache_slot ON reliability.tool_jobs (cache_namespace, cache_key)
            WHERE status IN ('queued', 'running') AND cache_key IS NOT NULL;
        CREATE INDEX tool_jobs_dead ON reliability.tool_jobs (tool, error_fingerprint, dead_letter_at) WHERE status = 'dead_letter';
        CREATE INDEX tool_jobs_finished ON reliability.tool_jobs (completed_at) WHERE completed_at IS NOT NULL;

        -- Messages that are not yet published, with their due time. A row is deleted in the transaction that awaits the confirm.
        CREATE TABLE reliability.tool_outbox (
            id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_id       uuid NOT NULL,
            tool         text NOT NULL,
            due_at       timestamptz NOT NULL,
            trace_parent text
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
        CREATE INDEX tool_outbox_due ON reliability.tool_outbox (tool, due_at);
        """;

    public const string Drop = """
        DROP TABLE reliability.tool_outbox;
        DROP TABLE reliability.tool_jobs;
        """;
}

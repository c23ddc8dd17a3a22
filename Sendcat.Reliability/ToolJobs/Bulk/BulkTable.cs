using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Reliability.ToolJobs.Bulk;

/// <summary>The tables and indexes of bulk changes and of the search of dead letters, as their migration creates them.</summary>
internal static class BulkTable
{
    // change_id: the bulk change that requeued or discarded the job. skipped_by: the bulk change that left it alone.
    public const string Create = $"""
        {ArgumentWords.CreateFunction}

        ALTER TABLE reliability.tool_jobs
            ADD COLUMN change_id uuid,
            ADD COLUMN skipped_by uuid,
            ADD COLUMN is_partial boolean NOT NULL DEFAULT false;
        CREATE INDEX tool_jobs_of_change ON reliability.tool_jobs (change_id) WHERE change_id IS NOT NULL;
        CREATE INDEX tool_jobs_dead_of_principal ON reliability.tool_jobs (principal, dead_letter_at) WHERE status = 'dead_letter';
        CREATE INDEX tool_jobs_dead_words ON reliability.tool_jobs USING gin (reliability.words_of(args)) WHERE status = 'dead_letter';

        CREATE TABLE reliability.dead_letter_changes (
            id          uuid PRIMARY KEY,
            action      text NOT NULL CHECK (action IN ('requeue', 'discard')),
            state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'settling', 'done')),
            cancelled   boolean NOT NULL DEFAULT false,
            tool        text,
            fingerprint text,
            job_ids     uuid[],
            died_before timestamptz NOT NULL,
            principal   text,
            words       text,
            died_after  timestamptz,
            target      text NOT NULL,
            force       boolean NOT NULL,
            matched     integer NOT NULL,
            changed     integer NOT NULL DEFAULT 0,
            skipped     integer NOT NULL DEFAULT 0,
            whole       integer NOT NULL DEFAULT 0,
            partial     integer NOT NULL DEFAULT 0,
            pending     integer NOT NULL DEFAULT 0,
            waits_for   text,
            actor       text NOT NULL,
            reason      text,
            audit_id    bigint NOT NULL,
            created_at  timestamptz NOT NULL,
            updated_at  timestamptz NOT NULL,
            ended_at    timestamptz
        );
        CREATE INDEX dead_letter_changes_active ON reliability.dead_letter_changes (created_at) WHERE state IN ('running', 'settling');
        CREATE INDEX dead_letter_changes_newest ON reliability.dead_letter_changes (created_at, id);
        """;

    public const string Drop = $"""
        DROP TABLE reliability.dead_letter_changes;
        DROP INDEX reliability.tool_jobs_dead_words;
        DROP INDEX reliability.tool_jobs_dead_of_principal;
        DROP INDEX reliability.tool_jobs_of_change;
        ALTER TABLE reliability.tool_jobs DROP COLUMN change_id, DROP COLUMN skipped_by, DROP COLUMN is_partial;
        {ArgumentWords.DropFunction}
        """;
}

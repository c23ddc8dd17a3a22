namespace Sendcat.Reliability.Schedule;

/// <summary>The table of scheduled jobs as its migration creates it.</summary>
internal static class ScheduleTable
{
    public const string Create = """
        CREATE TABLE reliability.scheduled_jobs (
            name         text PRIMARY KEY,
            description  text NOT NULL,
            interval_ms  bigint NOT NULL,
            listed_at    timestamptz NOT NULL,
            next_run_at  timestamptz NOT NULL,
            requested_at timestamptz,
            token        bigint NOT NULL DEFAULT 0,
            lease_until  timestamptz,
            worker       text,
            started_at   timestamptz,
            ended_at     timestamptz,
            duration_ms  bigint,
            outcome      text,
            result       text,
            failures     integer NOT NULL DEFAULT 0
        );
        """;

    public const string Drop = "DROP TABLE reliability.scheduled_jobs;";
}

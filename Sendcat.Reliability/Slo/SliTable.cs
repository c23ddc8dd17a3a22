namespace Sendcat.Reliability.Slo;

/// <summary>The tables of service level indicators as their migration creates them.</summary>
internal static class SliTable
{
    // A minute has one row for each endpoint and replica, also without requests: a minute without a row is a gap. The histograms are
    // cumulative, see LatencyBuckets, and null without observations.
    public const string Create = """
        CREATE TABLE reliability.sli_minutes (
            minute      timestamptz NOT NULL,
            endpoint    text NOT NULL,
            replica     uuid NOT NULL,
            served      integer NOT NULL,
            failed      integer NOT NULL,
            shed        integer NOT NULL,
            rejected    integer NOT NULL,
            aborted     integer NOT NULL,
            reasons     jsonb,
            first_token integer[],
            completion  integer[],
            PRIMARY KEY (minute, endpoint, replica)
        );

        CREATE TABLE reliability.sli_hours (
            id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            hour        timestamptz NOT NULL,
            endpoint    text NOT NULL,
            minutes     integer NOT NULL,
            served      bigint NOT NULL,
            failed      bigint NOT NULL,
            shed        bigint NOT NULL,
            rejected    bigint NOT NULL,
            aborted     bigint NOT NULL,
            first_token bigint[],
            completion  bigint[]
        );

        CREATE INDEX sli_hours_hour ON reliability.sli_hours (hour);
        """;

    public const string Drop = """
        DROP TABLE reliability.sli_hours;
        DROP TABLE reliability.sli_minutes;
        """;
}

namespace Sendcat.Reliability.Alerts;

/// <summary>The tables of alerts as their migration creates them.</summary>
internal static class AlertTable
{
    public const string Create = """
        CREATE TABLE reliability.alerts (
            id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind                text NOT NULL,
            subject             text NOT NULL,
            severity            text NOT NULL CHECK (severity IN ('ticket', 'page')),
            cause               text NOT NULL,
            command             text NOT NULL,
            playbook            text NOT NULL,
            over_when           text NOT NULL,
            observed            double precision NOT NULL,
            threshold           double precision NOT NULL,
            tags                jsonb NOT NULL,
            raised_at           timestamptz NOT NULL,
            seen_at             timestamptz NOT NULL,
            notified_at         timestamptz NOT NULL,
            acknowledged_at     timestamptz,
            acknowledged_by     text,
            acknowledged_reason text,
            resolved_at         timestamptz
        );
        CREATE UNIQUE INDEX alerts_open ON reliability.alerts (kind, subject) WHERE resolved_at IS NULL;
        CREATE INDEX alerts_resolved ON reliability.alerts (resolved_at) WHERE resolved_at IS NOT NULL;

        -- A message to one channel. Its row is written together with the change of the alert, and sent later.
        CREATE TABLE reliability.alert_notices (
            id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            alert_id        bigint NOT NULL REFERENCES reliability.alerts (id) ON DELETE CASCADE,
            channel         text NOT NULL,
            event           text NOT NULL CHECK (event IN ('raised', 'reminded', 'reopened', 'resolved')),
            message_id      uuid NOT NULL,
            created_at      timestamptz NOT NULL,
            next_attempt_at timestamptz NOT NULL,
            attempts        integer NOT NULL DEFAULT 0,
            sent_at         timestamptz,
            failed_at       timestamptz,
            failure         text
        );
        CREATE INDEX alert_notices_alert ON reliability.alert_notices (alert_id);
        CREATE INDEX alert_notices_due ON reliability.alert_notices (next_attempt_at) WHERE sent_at IS NULL;

        -- One row: the program that judges.
        CREATE TABLE reliability.alert_leader (
            id         integer PRIMARY KEY CHECK (id = 1),
            holder     text NOT NULL,
            until      timestamptz NOT NULL,
            cleaned_at timestamptz NOT NULL
        );
        """;

    public const string Drop = """
        DROP TABLE reliability.alert_leader;
        DROP TABLE reliability.alert_notices;
        DROP TABLE reliability.alerts;
        """;
}

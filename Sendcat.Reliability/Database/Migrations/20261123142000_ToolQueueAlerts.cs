using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>Alerts about the tool queue, and when what is done once over all replicas was done last. Nothing maps them: they are read and written by SQL.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261123142000_ToolQueueAlerts")]
public sealed class ToolQueueAlertsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE reliability.tool_queue_alerts (
            id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            alert_key      text NOT NULL UNIQUE,
            kind           text NOT NULL CHECK (kind IN ('queued_depth', 'oldest_queued_age', 'oldest_running_age', 'dead_letter_depth')),
            observed       bigint NOT NULL,
            threshold      bigint NOT NULL,
            window_minutes integer NOT NULL,
            created_at     timestamptz NOT NULL,
            expires_at     timestamptz NOT NULL,
            cleared_at     timestamptz
        );
        CREATE INDEX tool_queue_alerts_expires ON reliability.tool_queue_alerts (expires_at);
        CREATE INDEX tool_queue_alerts_created ON reliability.tool_queue_alerts (created_at);
        CREATE INDEX tool_queue_alerts_active ON reliability.tool_queue_alerts (kind) WHERE cleared_at IS NULL;

        CREATE TABLE reliability.scheduled_runs (
            name   text PRIMARY KEY,
            ran_at timestamptz NOT NULL
        );
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP TABLE reliability.scheduled_runs;
        DROP TABLE reliability.tool_queue_alerts;
        """);
}

using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.ApiService.Database.Migrations;

/// <summary>
/// What happened to a turn, and its trace, for operators; and an index by which they find a thread by the id of its client. Nothing maps
/// the
/// columns: they are read and written by SQL.
/// </summary>
[DbContext(typeof(SendcatDb))]
[Migration("20261127190000_TurnTrails")]
public sealed class TurnTrails : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        alter table stream_sessions add trace_id uuid, add trail text;
        create index ix_stream_sessions_trace_id on stream_sessions (trace_id) where trace_id is not null;
        create index ix_threads_client_id on threads (client_id) where client_id is not null;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        drop index ix_threads_client_id;
        drop index ix_stream_sessions_trace_id;
        alter table stream_sessions drop column trace_id, drop column trail;
        """);
}

using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Database;

/// <summary>Maps turns and the replicas that run them.</summary>
internal static class TurnTables
{
    public static void Configure(ModelBuilder builder)
    {
        builder.Entity<StreamSession>(session =>
        {
            session.ToTable("stream_sessions", table =>
                table.HasCheckConstraint("ck_stream_sessions_status", "status in ('streaming', 'completed', 'error', 'aborted')"));
            session.HasOne<ChatThread>().WithMany().HasForeignKey(s => s.ThreadId).OnDelete(DeleteBehavior.Cascade);
            session.HasIndex(s => s.ThreadId);
            session.HasIndex(s => s.ReplicaId).HasDatabaseName("ix_stream_sessions_live").HasFilter("status = 'streaming'");
            session.HasStorageParameter("fillfactor", 80);
        });

        builder.Entity<Replica>().ToTable("replicas");
    }
}

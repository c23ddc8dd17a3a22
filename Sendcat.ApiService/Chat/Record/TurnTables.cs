using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>Maps turns and the replicas that run them.</summary>
internal sealed class TurnTables :
    IEntityTypeConfiguration<StreamSession>,
    IEntityTypeConfiguration<Replica>
{
    public void Configure(EntityTypeBuilder<StreamSession> session)
    {
        session.ToTable("stream_sessions", table =>
            table.HasCheckConstraint("ck_stream_sessions_status", "status in ('streaming', 'completed', 'error', 'aborted')"));
        session.HasOne<ChatThread>().WithMany().HasForeignKey(s => s.ThreadId).OnDelete(DeleteBehavior.Cascade)
            .HasConstraintName("fk_stream_sessions_threads_thread_id");
        session.HasIndex(s => s.ThreadId);
        // For the running turn of a thread, which a repeated request joins.
        session.HasIndex(s => s.ThreadId, "ix_stream_sessions_running").HasDatabaseName("ix_stream_sessions_running")
            .HasFilter("status = 'streaming'");
        session.HasIndex(s => s.ReplicaId).HasDatabaseName("ix_stream_sessions_live").HasFilter("status = 'streaming'");
        session.HasStorageParameter("fillfactor", 80);
    }

    public void Configure(EntityTypeBuilder<Replica> builder) => builder.ToTable("replicas");
}

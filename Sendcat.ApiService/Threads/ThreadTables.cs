using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Maps threads, their messages, their share links and the snapshots behind them. Deleting a thread deletes all that belongs to it.
/// </summary>
internal sealed class ThreadTables :
    IEntityTypeConfiguration<ChatThread>,
    IEntityTypeConfiguration<ChatMessage>,
    IEntityTypeConfiguration<MessageFile>,
    IEntityTypeConfiguration<SharedThread>,
    IEntityTypeConfiguration<SharedMessage>
{
    public void Configure(EntityTypeBuilder<ChatThread> thread)
    {
        thread.ToTable("threads");
        thread.Property(t => t.IsPinned).HasDefaultValue(false);
        thread.Property(t => t.CreatedAt).HasDefaultValueSql("now()");
        // Triggers on the table messages maintain these two columns, for every writer.
        thread.Property(t => t.MessageCount).HasDefaultValue(0).ValueGeneratedOnAddOrUpdate();
        thread.Property(t => t.Bytes).HasDefaultValue(0L).ValueGeneratedOnAddOrUpdate();
        thread.HasIndex(t => t.SessionId);
        thread.HasIndex(t => t.UserId).HasFilter("user_id is not null");
        // The id of a client names one thread of a principal; see ThreadName. A user's threads and a session's are counted separately.
        thread.HasIndex(t => new { t.UserId, t.ClientId }).IsUnique().HasFilter("client_id is not null and user_id is not null");
        thread.HasIndex(t => new { t.SessionId, t.ClientId }).IsUnique().HasFilter("client_id is not null and user_id is null");
        thread.HasOne<SendcatUser>().WithMany().HasForeignKey(t => t.UserId).OnDelete(DeleteBehavior.Cascade);
        // A copy outlives its original. The indexes of these foreign keys are used when the original is deleted.
        thread.HasOne<ChatThread>().WithMany().HasForeignKey(t => t.ParentThreadId).OnDelete(DeleteBehavior.SetNull);
        thread.HasOne<ChatThread>().WithMany().HasForeignKey(t => t.SharedFromThreadId).OnDelete(DeleteBehavior.SetNull);
        thread.HasOne<SharedThread>().WithMany().HasForeignKey(t => t.ShareId).OnDelete(DeleteBehavior.SetNull);
    }

    public void Configure(EntityTypeBuilder<ChatMessage> message)
    {
        message.ToTable("messages", table =>
        {
            table.HasCheckConstraint("ck_messages_role", "role in ('user', 'assistant', 'system', 'tool')");
            table.HasCheckConstraint("ck_messages_status", "status in ('streaming', 'completed', 'error', 'aborted')");
        });
        message.Property(m => m.Seq).UseIdentityAlwaysColumn();
        message.Property(m => m.CreatedAt).HasDefaultValueSql("now()");
        message.HasOne<ChatThread>().WithMany().HasForeignKey(m => m.ThreadId).OnDelete(DeleteBehavior.Cascade);
        message.HasIndex(m => new { m.ThreadId, m.Seq });
        message.HasIndex(m => new { m.ThreadId, m.ClientId }).IsUnique().HasFilter("client_id is not null");
        message.HasIndex(m => m.ThreadId).HasDatabaseName("ix_messages_streaming").HasFilter("status = 'streaming'");
        // A running turn rewrites its text every second. Free space on the page makes those updates HOT: they do not touch the indexes.
        message.HasStorageParameter("fillfactor", 80);
    }

    public void Configure(EntityTypeBuilder<MessageFile> file)
    {
        file.ToTable("message_attachments");
        file.HasKey(f => new { f.MessageId, f.AttachmentId });
        file.HasOne<ChatMessage>().WithMany().HasForeignKey(f => f.MessageId).OnDelete(DeleteBehavior.Cascade);
        file.HasOne<Attachment>().WithMany().HasForeignKey(f => f.AttachmentId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<SharedThread> share)
    {
        share.ToTable("shared_threads");
        share.HasOne<ChatThread>().WithMany().HasForeignKey(s => s.ThreadId).OnDelete(DeleteBehavior.Cascade);
        share.HasIndex(s => s.ShareToken).IsUnique();
        share.HasIndex(s => s.ThreadId).HasDatabaseName("ix_shared_threads_live").IsUnique().HasFilter("not is_revoked");
        share.Property(s => s.IncludesReasoning).HasDefaultValue(false);
        share.Property(s => s.IncludesAttachments).HasDefaultValue(false);
    }

    public void Configure(EntityTypeBuilder<SharedMessage> message)
    {
        message.ToTable("shared_messages");
        message.HasKey(m => new { m.ShareId, m.Place });
        message.HasOne<SharedThread>().WithMany().HasForeignKey(m => m.ShareId).OnDelete(DeleteBehavior.Cascade);
    }
}

/// <summary>The tables of <see cref="ThreadTables"/>.</summary>
internal static class ThreadSets
{
    extension(SendcatDb db)
    {
        public DbSet<ChatThread> Threads => db.Set<ChatThread>();

        public DbSet<ChatMessage> Messages => db.Set<ChatMessage>();

        public DbSet<SharedThread> SharedThreads => db.Set<SharedThread>();

        public DbSet<SharedMessage> SharedMessages => db.Set<SharedMessage>();
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Gmail;

/// <summary>Maps connected mailboxes. The worker reads and writes the same tables.</summary>
internal sealed class GmailTables : IEntityTypeConfiguration<GmailConnection>, IEntityTypeConfiguration<GmailSync>,
IEntityTypeConfiguration<GmailMessageRow>
{
    public void Configure(EntityTypeBuilder<GmailConnection> connection)
    {
        connection.ToTable("gmail_connections");
        connection.HasOne<SendcatUser>().WithMany().HasForeignKey(c => c.UserId).OnDelete(DeleteBehavior.Cascade);
        connection.Property(c => c.Email).HasMaxLength(320);
        connection.Property(c => c.NormalizedEmail).HasMaxLength(320);
        connection.Property(c => c.Status).HasMaxLength(20);
        connection.HasIndex(c => c.UserId).IsUnique();
        connection.HasIndex(c => c.NormalizedEmail).IsUnique();
    }

    public void Configure(EntityTypeBuilder<GmailSync> sync)
    {
        sync.ToTable("gmail_syncs");
        sync.HasOne<GmailConnection>().WithMany().HasForeignKey(s => s.ConnectionId).OnDelete(DeleteBehavior.Cascade);
        sync.Property(s => s.Kind).HasMaxLength(20);
        sync.Property(s => s.Cause).HasMaxLength(20);
        sync.Property(s => s.State).HasMaxLength(20);
        sync.HasIndex(s => new { s.ConnectionId, s.Kind }).IsUnique().HasFilter("state = 'queued'")
            .HasDatabaseName("ix_gmail_syncs_queued");
        sync.HasIndex(s => new { s.ConnectionId, s.CreatedAt });
    }

    public void Configure(EntityTypeBuilder<GmailMessageRow> message)
    {
        message.ToTable("gmail_messages");
        message.HasKey(m => new { m.ConnectionId, m.MessageId });
        message.HasOne<GmailConnection>().WithMany().HasForeignKey(m => m.ConnectionId).OnDelete(DeleteBehavior.Cascade);
        message.Property(m => m.MessageId).HasMaxLength(64);
        message.Property(m => m.State).HasMaxLength(20);
        message.HasIndex(m => new { m.SyncId, m.AvailableAt }).HasFilter("state = 'pending'").HasDatabaseName("ix_gmail_messages_pending");
        message.HasIndex(m => m.SettledAt);
    }
}

/// <summary>The tables of <see cref="GmailTables"/>.</summary>
internal static class GmailSets
{
    extension(SendcatDb db)
    {
        public DbSet<GmailConnection> GmailConnections => db.Set<GmailConnection>();

        public DbSet<GmailSync> GmailSyncs => db.Set<GmailSync>();
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Maps attachments. Triggers link them to the messages that name them (<c>message_attachments</c>), delete an attachment with the last of
/// these messages, and record every deleted one in <c>deleted_attachments</c> until its content is deleted too.
/// </summary>
internal sealed class AttachmentTables : IEntityTypeConfiguration<Attachment>, IEntityTypeConfiguration<DeletedAttachment>
{
    public void Configure(EntityTypeBuilder<Attachment> attachment)
    {
        attachment.ToTable(
            "attachments", table => table.HasCheckConstraint("ck_attachments_owner", "user_id is not null or session_id is not null"));
        attachment.HasOne<SendcatUser>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
        attachment.HasIndex(a => a.UserId).HasFilter("user_id is not null").IncludeProperties(a => a.Size);
        attachment.HasIndex(a => a.SessionId).HasFilter("user_id is null").IncludeProperties(a => a.Size);
        attachment.HasIndex(a => a.CreatedAt).HasDatabaseName("ix_attachments_unattached").HasFilter("attached_at is null");
    }

    public void Configure(EntityTypeBuilder<DeletedAttachment> deleted)
    {
        deleted.ToTable("deleted_attachments");
        deleted.HasIndex(d => d.DeletedAt);
    }
}

/// <summary>The tables of <see cref="AttachmentTables"/>.</summary>
internal static class AttachmentSets
{
    extension(SendcatDb db)
    {
        public DbSet<Attachment> Attachments => db.Set<Attachment>();
    }
}

using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.WhatsApp;

/// <summary>Maps links, linking codes, replies and their states. Links and codes are deleted together with their user.</summary>
internal sealed class WhatsAppTables :
    IEntityTypeConfiguration<WhatsAppLink>,
    IEntityTypeConfiguration<WhatsAppLinkingCode>,
    IEntityTypeConfiguration<WhatsAppReplyRow>,
    IEntityTypeConfiguration<WhatsAppStatusRow>
{
    public void Configure(EntityTypeBuilder<WhatsAppLink> link)
    {
        link.ToTable(
            "whatsapp_links",
            table => table.HasCheckConstraint("ck_whatsapp_links_identity", "phone is not null or business_user_id is not null"));
        link.HasKey(l => l.UserId);
        link.HasOne<SendcatUser>().WithOne().HasForeignKey<WhatsAppLink>(l => l.UserId).OnDelete(DeleteBehavior.Cascade);
        link.HasIndex(l => l.Phone).IsUnique();
        link.HasIndex(l => l.BusinessUserId).IsUnique();
    }

    public void Configure(EntityTypeBuilder<WhatsAppLinkingCode> code)
    {
        code.ToTable("whatsapp_linking_codes");
        code.HasKey(c => c.UserId);
        code.HasOne<SendcatUser>().WithOne().HasForeignKey<WhatsAppLinkingCode>(c => c.UserId).OnDelete(DeleteBehavior.Cascade);
        code.HasIndex(c => c.Code).IsUnique();
        code.HasIndex(c => c.ExpiresAt);
    }

    public void Configure(EntityTypeBuilder<WhatsAppReplyRow> reply)
    {
        reply.ToTable("whatsapp_replies");
        reply.HasKey(r => r.Key);
        reply.HasIndex(r => r.CreatedAt);
    }

    public void Configure(EntityTypeBuilder<WhatsAppStatusRow> status)
    {
        status.ToTable("whatsapp_statuses");
        status.HasKey(s => s.MessageId);
        status.HasIndex(s => s.UpdatedAt);
    }
}

/// <summary>The tables of <see cref="WhatsAppTables"/> that the API reads.</summary>
internal static class WhatsAppSets
{
    extension(SendcatDb db)
    {
        public DbSet<WhatsAppLink> WhatsAppLinks => db.Set<WhatsAppLink>();

        public DbSet<WhatsAppLinkingCode> WhatsAppLinkingCodes => db.Set<WhatsAppLinkingCode>();
    }
}

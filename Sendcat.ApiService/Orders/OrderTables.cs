using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Orders;

namespace Sendcat.ApiService.Orders;

/// <summary>
/// Maps evidence, drafts, pre-alerts, preferences and unclaimed packages. All but the last are deleted together with their user. A trigger
/// deletes the invoice of a deleted draft, or one that was replaced, unless a message or another draft names it.
/// </summary>
internal sealed class OrderTables :
    IEntityTypeConfiguration<Evidence>,
    IEntityTypeConfiguration<PurchaseDraft>,
    IEntityTypeConfiguration<DraftParcel>,
    IEntityTypeConfiguration<DraftEvidence>,
    IEntityTypeConfiguration<PreAlert>,
    IEntityTypeConfiguration<Preferences>,
    IEntityTypeConfiguration<UnclaimedPackage>
{
    public void Configure(EntityTypeBuilder<Evidence> evidence)
    {
        evidence.ToTable("evidence", table =>
        {
            table.HasCheckConstraint("ck_evidence_source", $"source in ({Quoted(EvidenceNames.Kinds)})");
            table.HasCheckConstraint("ck_evidence_status", $"status in ({Quoted(EvidenceNames.Statuses)})");
        });
        evidence.HasOne<SendcatUser>().WithMany().HasForeignKey(e => e.UserId).OnDelete(DeleteBehavior.Cascade);
        evidence.HasIndex(e => new { e.UserId, e.Source, e.MessageId }).IsUnique();
        evidence.HasIndex(e => new { e.UserId, e.ReceivedAt, e.Id });
    }

    public void Configure(EntityTypeBuilder<PurchaseDraft> draft)
    {
        draft.ToTable(
            "purchase_drafts", table => table.HasCheckConstraint("ck_purchase_drafts_status", $"status in ({Quoted(DraftStatuses.All)})"));
        draft.HasOne<SendcatUser>().WithMany().HasForeignKey(d => d.UserId).OnDelete(DeleteBehavior.Cascade);
        draft.HasOne<Attachment>().WithMany().HasForeignKey(d => d.InvoiceId).OnDelete(DeleteBehavior.SetNull);
        draft.Property(d => d.TotalAmount).HasPrecision(18, OrderText.AmountDigits);
        draft.HasIndex(d => new { d.UserId, d.CreatedAt, d.Id });
        draft.HasIndex(d => new { d.UserId, d.Status, d.CreatedAt, d.Id });
        draft.HasIndex(d => d.OrderNumbers).HasMethod("gin");
        draft.HasIndex(d => d.InvoiceId).HasFilter("invoice_id is not null");
    }

    public void Configure(EntityTypeBuilder<DraftParcel> parcel)
    {
        parcel.ToTable("draft_parcels");
        parcel.HasKey(p => new { p.UserId, p.TrackingNumber });
        parcel.HasOne<PurchaseDraft>().WithMany().HasForeignKey(p => p.DraftId).OnDelete(DeleteBehavior.Cascade);
        parcel.HasIndex(p => p.DraftId);
    }

    public void Configure(EntityTypeBuilder<DraftEvidence> link)
    {
        link.ToTable("draft_evidence");
        link.HasKey(l => new { l.DraftId, l.EvidenceId });
        link.HasOne<PurchaseDraft>().WithMany().HasForeignKey(l => l.DraftId).OnDelete(DeleteBehavior.Cascade);
        link.HasOne<Evidence>().WithMany().HasForeignKey(l => l.EvidenceId).OnDelete(DeleteBehavior.Cascade);
        link.HasIndex(l => l.EvidenceId);
    }

    public void Configure(EntityTypeBuilder<PreAlert> alert)
    {
        alert.ToTable(
            "pre_alerts", table => table.HasCheckConstraint("ck_pre_alerts_status", $"status in ({Quoted(DraftStatuses.OfPreAlerts)})"));
        alert.HasOne<SendcatUser>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
        alert.HasOne<PurchaseDraft>().WithMany().HasForeignKey(a => a.DraftId).OnDelete(DeleteBehavior.SetNull);
        alert.HasIndex(a => new { a.UserId, a.TrackingNumber }).IsUnique();
        alert.HasIndex(a => new { a.UserId, a.CreatedAt, a.Id });
        alert.HasIndex(a => a.DraftId);
        // The feed of the warehouse looks for the user who announced a package.
        alert.HasIndex(a => new { a.TrackingNumber, a.SubmittedAt }).HasFilter("status = 'submitted'");
    }

    public void Configure(EntityTypeBuilder<Preferences> preferences)
    {
        preferences.ToTable("user_preferences");
        preferences.HasKey(p => p.UserId);
        preferences.HasOne<SendcatUser>().WithOne().HasForeignKey<Preferences>(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<UnclaimedPackage> package)
    {
        package.ToTable("unclaimed_packages", table => table.HasCheckConstraint(
            "ck_unclaimed_packages_status", "status in ('warehouse', 'in_transit', 'ready_for_pickup', 'delivered')"));
        package.HasIndex(p => p.TrackingNumber).IsUnique();
        package.Property(p => p.Weight).HasPrecision(10, 2);
        package.Property(p => p.Cost).HasPrecision(14, 2);
        package.HasIndex(p => new { p.ReportedAt, p.Id });
    }

    private static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"'{name}'"));
}

/// <summary>The tables of <see cref="OrderTables"/>.</summary>
internal static class OrderSets
{
    extension(SendcatDb db)
    {
        public DbSet<Evidence> Evidence => db.Set<Evidence>();

        public DbSet<PurchaseDraft> PurchaseDrafts => db.Set<PurchaseDraft>();

        public DbSet<DraftParcel> DraftParcels => db.Set<DraftParcel>();

        public DbSet<DraftEvidence> DraftEvidence => db.Set<DraftEvidence>();

        public DbSet<PreAlert> PreAlerts => db.Set<PreAlert>();

        public DbSet<UnclaimedPackage> UnclaimedPackages => db.Set<UnclaimedPackage>();

        public DbSet<Preferences> Preferences => db.Set<Preferences>();
    }
}

using Microsoft.EntityFrameworkCore;

namespace Sendcat.Reliability.Database;

/// <summary>
/// The tables of the guards, in the schema <c>reliability</c> of the database. Hot paths use plain SQL instead of this context.
/// </summary>
public sealed class ReliabilityDb(DbContextOptions<ReliabilityDb> options) : DbContext(options)
{
    public const string Schema = "reliability";
    public const string MigrationsTable = "__ef_migrations_history";

    public DbSet<RateLimitEventRow> RateLimitEvents => Set<RateLimitEventRow>();

    public DbSet<RateLimitAlertRow> RateLimitAlerts => Set<RateLimitAlertRow>();

    public DbSet<KnobOverrideRow> KnobOverrides => Set<KnobOverrideRow>();

    public DbSet<OperatorAuditRow> OperatorAudit => Set<OperatorAuditRow>();

    public DbSet<OperatorKeyRow> OperatorKeys => Set<OperatorKeyRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(Schema);

        modelBuilder.Entity<RateLimitEventRow>(row =>
        {
            row.ToTable("rate_limit_events");
            row.HasIndex(it => it.ExpiresAt);
            row.HasIndex(it => new { it.Bucket, it.CreatedAt });
            row.HasIndex(it => new { it.Outcome, it.CreatedAt });
            row.HasIndex(it => it.DedupeKey).IsUnique();
            row.Property(it => it.Hits).HasDefaultValue(1);
        });

        modelBuilder.Entity<RateLimitAlertRow>(row =>
        {
            row.ToTable("rate_limit_alerts");
            row.HasIndex(it => it.AlertKey).IsUnique();
            row.HasIndex(it => it.ExpiresAt);
            row.HasIndex(it => it.CreatedAt);
        });

        modelBuilder.Entity<KnobOverrideRow>(row =>
        {
            row.ToTable("knob_overrides");
            row.HasKey(it => it.Name);
        });

        modelBuilder.Entity<OperatorAuditRow>(row =>
        {
            row.ToTable("operator_audit");
            row.HasIndex(it => it.CreatedAt);
            row.HasIndex(it => new { it.Target, it.CreatedAt });
        });

        modelBuilder.Entity<OperatorKeyRow>(row =>
        {
            row.ToTable("operator_keys");
            row.HasIndex(it => it.Name).IsUnique().HasFilter("revoked_at IS NULL");
            row.HasIndex(it => it.Hash).IsUnique();
        });
    }
}

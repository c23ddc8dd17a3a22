using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Sendcat.ApiService.Mail;

/// <summary>What became of the last mails to an address, see <see cref="Integrations.Mail.UndeliverableAddresses"/>.</summary>
internal sealed class UndeliverableAddress
{
    /// <summary>SHA-256 of the normalized address.</summary>
    public required string Digest { get; init; }

    public required DateTimeOffset ReportedAt { get; init; }

    /// <summary>Its owner reported a mail as spam; else a mail bounced.</summary>
    public required bool Complained { get; init; }

    /// <summary>The newest mail of which something is known was delivered: without a complaint the address gets mails.</summary>
    public required bool Delivered { get; init; }
}

internal sealed class MailTables : IEntityTypeConfiguration<UndeliverableAddress>
{
    public void Configure(EntityTypeBuilder<UndeliverableAddress> address)
    {
        address.ToTable("undeliverable_addresses");
        address.HasKey(a => a.Digest);
        address.HasIndex(a => a.ReportedAt);
    }
}

namespace Sendcat.ApiService.Orders;

/// <summary>The stored <see cref="Integrations.Orders.UserPreferences"/> of a user who has chosen.</summary>
internal sealed class Preferences
{
    public required string UserId { get; init; }

    public required bool AutoCreatePreAlerts { get; set; }

    public required bool GmailSyncEnabled { get; set; }

    public required bool WhatsappSyncEnabled { get; set; }

    public required bool PackageStatusMails { get; set; }

    public required DateTimeOffset UpdatedAt { get; set; }
}

using Npgsql;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Reads the packages that mails are about, from the tables of the API.</summary>
internal sealed class PackageNotices(NpgsqlDataSource database)
{
    /// <returns>Null: the package is not the user's, or the user has turned the mails off since.</returns>
    public async Task<PackageNotice?> FindAsync(Guid package, string userId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find package of mail
            SELECT tracking_number, merchant, description, location FROM packages
            WHERE id = $1 AND user_id = $2
                AND NOT EXISTS (SELECT FROM user_preferences preferences WHERE preferences.user_id = $2
                    AND NOT preferences.package_status_mails)
            """);
        command.Parameters.Add(new() { Value = package });
        command.Parameters.Add(new() { Value = userId });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new(
                OneLine(reader.GetString(0)), OneLine(reader.GetString(1)), OneLine(reader.GetString(2)),
                await reader.IsDBNullAsync(3, cancellationToken) ? null : OneLine(reader.GetString(3)))
            : null;
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>What a mail says about a package.</summary>
internal sealed record PackageNotice(string TrackingNumber, string Merchant, string Description, string? Location)
{
    /// <returns>Subject and first sentence of the mail about this status.</returns>
    public static (string Subject, string Sentence) TextOf(string status) => status switch
    {
        "warehouse" => ("Your package is in our warehouse", "Your package has arrived at our warehouse."),
        "in_transit" => ("Your package is on its way", "Your package is on its way to Jamaica."),
        "ready_for_pickup" => ("Your package is ready for pickup", "Your package is ready for pickup."),
        "delivered" => ("Your package was picked up", "Your package was picked up."),
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status of a package."),
    };
}

using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Shopping.Packages;

/// <summary>
/// Inserts four demonstration packages, one in each state, for a user who has none. Concurrent requests insert them once, because the
/// tracking numbers are unique per user.
/// </summary>
internal sealed class DemoPackages(RequestDatabase database, TimeProvider time)
{
    private static readonly (
        string Number, string Merchant, string Description, string Status, decimal Weight, decimal? Cost, string Location)[] Parcels =
    [
        ("DEMO-1001", "Amazon", "Wireless earbuds", "warehouse", 0.8m, null, "Miami warehouse"),
        ("DEMO-1002", "eBay", "Running shoes", "in_transit", 2.4m, 2_850m, "On the way to Kingston"),
        ("DEMO-1003", "Walmart", "Rice cooker", "ready_for_pickup", 6.1m, 5_400m, "Kingston branch"),
        ("DEMO-1004", "Shein", "Summer dresses", "delivered", 1.7m, 2_100m, "Picked up in Kingston"),
    ];

    /// <returns>Number of inserted packages: 4, or 0 if the user already had packages.</returns>
    /// <exception cref="PostgresException">The user does not exist (foreign key violation), or the statement failed.</exception>
    public async Task<int> SeedAsync(string user, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- insert demo packages
            INSERT INTO packages (id, user_id, tracking_number, merchant, description, status, weight, cost, location, updated_at,
              created_at)
            SELECT id, $1, number, merchant, description, status, weight, cost, location, $9, $9
            FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::numeric[], $10::text[])
                AS demo(id, number, merchant, description, status, weight, cost, location)
            WHERE NOT EXISTS (SELECT FROM packages WHERE user_id = $1)
            ON CONFLICT (user_id, tracking_number) DO NOTHING
            """);
        var now = time.Now();
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, _ => Guid.CreateVersion7(now)) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Number) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Merchant) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Description) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Status) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Weight) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Cost) });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = Array.ConvertAll(Parcels, parcel => parcel.Location) });
        return await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}

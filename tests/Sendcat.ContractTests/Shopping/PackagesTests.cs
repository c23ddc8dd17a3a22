using System.Net;
using System.Text.Json.Nodes;
using Sendcat.ApiService.Shopping.Packages;

namespace Sendcat.ContractTests.Shopping;

/// <summary>Listing, seeding and export of the packages of a user.</summary>
public sealed class PackagesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Seeding_inserts_four_demo_packages_once_one_in_each_status()
    {
        var (user, _) = await UserAsync();

        var seeded = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(
                async _ => (int)(await (await user.PostAsync("/api/packages/seed", null)).JsonAsync())["inserted"]!));
        var page = await (await user.GetAsync("/api/packages")).JsonAsync();
        var counts = await (await user.GetAsync("/api/packages/counts")).JsonAsync();

        Assert.Equal(4, seeded.Sum());
        Assert.Equal(PackageStatus.All.Order(), page["items"]!.AsArray().Select(package => (string)package!["status"]!).Order());
        Assert.Equal("""{"total":4,"byStatus":{"warehouse":1,"in_transit":1,"ready_for_pickup":1,"delivered":1}}""", counts.ToJsonString());
    }

    [Fact]
    public async Task Packages_are_searched_filtered_sorted_and_paged()
    {
        var (user, id) = await UserAsync();
        await InsertAsync(
            id, ("A-1", "Amazon", "Red Kettle", "warehouse", 2.5m, 900m, 3), ("A-2", "eBay", "Shoes_50%", "delivered", null, 1200m, 2),
            ("A-3", "Shein", "dress", "delivered", 1m, null, 1));

        Assert.Equal(["A-1", "A-2", "A-3"], await NumbersAsync(user, ""));
        Assert.Equal(["A-1"], await NumbersAsync(user, "?search=KETTLE"));
        Assert.Equal(["A-2"], await NumbersAsync(user, "?search=_50%25"));
        Assert.Empty(await NumbersAsync(user, "?search=x_50"));
        Assert.Equal(["A-2", "A-3"], await NumbersAsync(user, "?status=delivered"));
        Assert.Equal(["A-2", "A-1", "A-3"], await NumbersAsync(user, "?sort=cost"));
        Assert.Equal(["A-1", "A-3", "A-2"], await NumbersAsync(user, "?sort=weight"));
        Assert.Equal(["A-3", "A-2", "A-1"], await NumbersAsync(user, "?sort=updated"));

        foreach (var sort in new[] { "newest", "updated", "cost", "weight" })
        {
            var first = await (await user.GetAsync($"/api/packages?sort={sort}&limit=2")).JsonAsync();
            var second = await (await user.GetAsync($"/api/packages?sort={sort}&limit=2&cursor={first["nextCursor"]}")).JsonAsync();
            Assert.Equal(await NumbersAsync(user, $"?sort={sort}"), Numbers(first).Concat(Numbers(second)));
            Assert.Null(second["nextCursor"]);
        }
    }

    [Fact]
    public async Task The_export_is_CSV_with_totals_and_escapes_formulas()
    {
        var (user, id) = await UserAsync();
        await InsertAsync(
            id, ("A-1", "=HYPERLINK(1)", "a \"quoted\", thing", "in_transit", 2.5m, 900m, 2),
            ("A-2", "eBay", "Shoes", "delivered", null, 100.5m, 1));

        using var export = await user.GetAsync("/api/packages/export");
        var rows = (await export.Content.ReadAsStringAsync()).Split("\r\n");

        Assert.Equal("text/csv", export.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Tracking number,Merchant,Description,Status,Weight (lb),Cost (JMD),Location,Updated (UTC)", rows[0]);
        Assert.Matches(
            """^A-1,'=HYPERLINK\(1\),"a ""quoted"", thing",In Transit,2\.5,900,,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$""", rows[1]);
        Assert.StartsWith("A-2,eBay,Shoes,Picked Up,,100.5,,", rows[2], StringComparison.Ordinal);
        Assert.Equal("Total,,2 packages,,2.5,1000.5,,", rows[3]);

        var local = await user.GetStringAsync("/api/packages/export?timeZone=America/Jamaica");
        Assert.Contains("Location,Updated (America/Jamaica)", local, StringComparison.Ordinal);
        Assert.Matches(@"\d\d:\d\d-05:00\r\n", local);
        await (await user.GetAsync("/api/packages/export?timeZone=Mars/Base")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_principal_cannot_see_packages_of_another_user()
    {
        var (ann, _) = await UserAsync();
        await (await ann.PostAsync("/api/packages/seed", null)).JsonAsync();
        var api = await postgres.ApiAsync();
        var guest = await api.GuestAsync();

        foreach (var other in new[] { (await UserAsync()).Client, guest })
        {
            Assert.Empty(await NumbersAsync(other, ""));
            Assert.Equal(0, (int)(await (await other.GetAsync("/api/packages/counts")).JsonAsync())["total"]!);
        }

        await (await guest.PostAsync("/api/packages/seed", null)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await api.Anyone.GetAsync("/api/packages")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("?status=lost")]
    [InlineData("?sort=name")]
    [InlineData("?limit=0")]
    [InlineData("?limit=201")]
    [InlineData("?cursor=nonsense")]
    [InlineData("?search=%00")]
    [InlineData("/export?status=lost")]
    public async Task Malformed_queries_are_rejected(string query)
    {
        var (user, _) = await UserAsync();
        await (await user.GetAsync($"/api/packages{query}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_cursor_of_another_sort_order_is_rejected()
    {
        var (user, _) = await UserAsync();
        await (await user.PostAsync("/api/packages/seed", null)).JsonAsync();
        var cursor = (await (await user.GetAsync("/api/packages?sort=cost&limit=1")).JsonAsync())["nextCursor"];

        await (await user.GetAsync($"/api/packages?cursor={cursor}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static string[] Numbers(JsonNode page) => [.. page["items"]!.AsArray().Select(package => (string)package!["trackingNumber"]!)];

    private static async Task<string[]> NumbersAsync(HttpClient user, string query) =>
        Numbers(await (await user.GetAsync($"/api/packages{query}")).JsonAsync());

    /// <param name="parcels"><c>Made</c> is the order of creation: a higher number is created later and has an earlier update time.</param>
    private async Task InsertAsync(
        string user,
        params (string Number, string Merchant, string Description, string Status, decimal? Weight, decimal? Cost, int Made)[] parcels)
    {
        await using var command = (await postgres.ApiAsync()).Database.CreateCommand(
            """
            insert into packages (id, user_id, tracking_number, merchant, description, status, weight, cost, updated_at, created_at)
            select gen_random_uuid(), $1, number, merchant, description, status, weight, cost, now() - made * interval '1 hour',
            now() - (10 - made) * interval '1 hour'
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::int[]) as p(number, merchant,
              description, status, weight, cost, made)
            """);
        command.Parameters.Add(new() { Value = user });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Number) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Merchant) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Description) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Status) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Weight) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Cost) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(parcels, parcel => parcel.Made) });
        await command.ExecuteNonQueryAsync();
    }

    private async Task<(HttpClient Client, string Id)> UserAsync()
    {
        var (client, _) = await (await postgres.ApiAsync()).UserAsync($"{Guid.NewGuid():N}@example.com");
        return (client, (string)(await (await client.GetAsync("/api/auth/me")).JsonAsync())["id"]!);
    }
}

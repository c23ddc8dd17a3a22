using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ContractTests.Mail;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Orders;
using Sendcat.TestKit.Processes;

namespace Sendcat.ContractTests.Orders;

/// <summary>The API with the lane of mails, for the tests of one class. Addresses of example.com are confirmed.</summary>
public sealed class OrdersApi(PostgresFixture postgres) : IAsyncLifetime
{
    public const string Parcel = "1Z999AA10123456784";

    private readonly TestFolder _folder = new("orders");

    internal MailApi Mails { get; private set; } = null!;

    internal SendcatApi Api => Mails.Api;

    public async ValueTask InitializeAsync() =>
        Mails = await MailApi.StartAsync(
            postgres, ("AUTH_CONFIRMED_DOMAINS", "example.com"), ("FILES_FOLDER", _folder.Path), ("RATE_LIMIT_AUTH_MAX", "100000"));

    public async ValueTask DisposeAsync()
    {
        await Mails.DisposeAsync();
        _folder.Dispose();
    }

    internal async Task<OrdersUser> UserAsync()
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        var (client, _) = await Api.UserAsync(email);
        return new(this, client, (string)(await (await client.GetAsync("/api/auth/me")).JsonAsync())["id"]!, email);
    }

    /// <summary>A tracking number that no other test has.</summary>
    internal static string NewNumber() => $"TBA{Random.Shared.NextInt64(100_000_000_000, 999_999_999_999)}";

    /// <summary>Sends a feed of the warehouse.</summary>
    internal async Task<JsonNode> ReportAsync(params object[] packages) =>
        await (await Api.WithBearer(SendcatApi.OpsKey).PostAsJsonAsync("/api/ops/packages", new { packages })).JsonAsync();
}

/// <summary>A user of <see cref="OrdersApi"/> and what the mails of the user lead to.</summary>
internal sealed record OrdersUser(OrdersApi Orders, HttpClient Client, string Id, string Email)
{
    public Task<IntakeResult> RecordAsync(string message, params ExtractedOrder[] orders) =>
        Orders.Api.Services.GetRequiredService<OrderIntake>()
            .RecordAsync(ExtractedMails.Source(Id, message), ExtractedMails.Of(orders), TestContext.Current.CancellationToken);

    public async Task<JsonNode> GetAsync(string path) => await (await Client.GetAsync(path)).JsonAsync();

    public async Task<JsonNode> PostAsync(string path, object body) => await (await Client.PostAsJsonAsync(path, body)).JsonAsync();

    public async Task<JsonArray> ItemsAsync(string path) => (await GetAsync(path))["items"]!.AsArray();

    /// <summary>The only draft of the user.</summary>
    public async Task<JsonNode> DraftAsync() => Assert.Single(await ItemsAsync("/api/drafts"))!;
}

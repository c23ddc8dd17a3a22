using System.CommandLine;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Upstream;

/// <summary>
/// Replaces Serper and eBay. It writes every request to its ledger before it responds. Each start of a worker has its own base address
/// (<c>/0/1/…</c>, <c>/0/2/…</c>, <c>/1/1/…</c>), so that the rig knows which process runs a poisonous job.
/// </summary>
internal static class UpstreamProgram
{
    public static Command Command()
    {
        var url = new Option<string>("--url") { Required = true };
        var ledger = new Option<string>("--ledger") { Required = true };
        var command = new Command("upstream", "Part of a run.") { url, ledger };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(url), parsed.GetRequiredValue(ledger), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string url, string ledger, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        await using var app = builder.Build();
        using var file = new LedgerFile(ledger, TimeProvider.System);
        var executions = new Executions(file, TimeProvider.System);

        app.MapPost("/{worker:int}/{start:int}/search", async (int worker, int start, SearchBody body, HttpContext http) =>
            await executions.RunAsync(
                worker, start, "search_web", body.Q, http,
                title => $$"""{"organic":[{"title":"{{title}}","link":"https://example.com/{{title}}","snippet":"a find"}]}"""));
        app.MapPost("/{worker:int}/{start:int}/shopping", async (int worker, int start, SearchBody body, HttpContext http) =>
            await executions.RunAsync(
                worker, start, "search_global", body.Q, http,
                title =>
                    $$"""{"shopping":[{"title":"{{title}}","link":"https://example.com/{{title}}","price":"$1.00","source":"A shop"}]}"""));
        app.MapGet(
            "/{worker:int}/{start:int}/buy/browse/v1/item_summary/search", async (int worker, int start, string q, HttpContext http) =>
                await executions.RunAsync(
                    worker, start, "search_products", q, http,
                    title =>
                        $$"""{"itemSummaries":[{"itemId":"v1|1|0","title":"{{title}}","itemWebUrl":"https://example.com/{{title}}","price":{"value":"1.00","currency":"USD"} }]}"""));
        app.MapPost("/{worker:int}/{start:int}/identity/v1/oauth2/token", () => Results.Content(
            """{"access_token":"a-token","expires_in":7200,"token_type":"Application Access Token"}""", "application/json"));
        await app.RunAsync(cancellationToken);
        return 0;
    }

    private sealed record SearchBody(string Q);
}

using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text;
using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>
/// Replaces Serper and eBay with fixed responses in a separate process. It responds at once or after a fixed time, so that the queue is
/// measured and not the upstream. Each path can be changed so that it never responds.
/// </summary>
internal sealed class PlainUpstream(TestProcess process, Uri address) : IAsyncDisposable
{
    private const string Ready = "upstream is ready";
    private const string Token = "/identity/v1/oauth2/token";

    private static readonly HttpClient Http = new();

    /// <summary>The settings of a worker that calls this upstream.</summary>
    public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["SERPER_BASE_URL"] = address.ToString(),
        ["EBAY_BASE_URL"] = address.ToString(),
        ["SERPER_API_KEY"] = "benchmark",
        ["EBAY_CLIENT_ID"] = "benchmark",
        ["EBAY_CLIENT_SECRET"] = "benchmark",
    };

    public int ProcessId => process.Id;

    public static Command Command()
    {
        var port = new Option<int>("--port") { Required = true };
        var latency = new Option<int>("--latency-ms");
        var counts = new Option<bool>("--count-queries");
        var command = new Command("plain-upstream", "Part of jobs, flood, dead-upstream and dlq.") { port, latency, counts };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) => ServeAsync(
            parsed.GetRequiredValue(port), TimeSpan.FromMilliseconds(parsed.GetValue(latency)),
            parsed.GetValue(counts) ? new QueryCounts() : null, TimeProvider.System, cancellationToken));
        return command;
    }

    /// <param name="latency">The delay before each response.</param>
    /// <param name="countsQueries">For <see cref="CountQueriesAsync"/>. It costs the upstream time.</param>
    public static async Task<PlainUpstream> StartAsync(TimeSpan latency, bool countsQueries = false)
    {
        var port = FreePort.Next();
        string[] counts = countsQueries ? ["--count-queries"] : [];
        var process = await TestProcess.StartAsync(new ProcessSpec(
            Checkout.Executable("Sendcat.Benchmarks"),
            [
                "plain-upstream", "--port", port.ToString(CultureInfo.InvariantCulture),
                "--latency-ms", latency.TotalMilliseconds.ToString(CultureInfo.InvariantCulture), .. counts,
            ]));
        await process.WaitForLineAsync(line => line == Ready, TimeSpan.FromSeconds(30));
        return new(process, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")));
    }

    /// <summary>From now on the upstream never responds to requests of this path.</summary>
    public async Task MakeUnresponsiveAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await Http.PutAsync(new Uri(address, $"/dead{path}"), null, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>How often each query was received, also when its sender has died since.</summary>
    public async Task<IReadOnlyDictionary<string, int>> CountQueriesAsync(CancellationToken cancellationToken) =>
        await Http.GetFromJsonAsync<Dictionary<string, int>>(new Uri(address, "/queries"), cancellationToken) ?? [];

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private static async Task<int> ServeAsync(
        int port, TimeSpan latency, QueryCounts? counts, TimeProvider clock, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        await using var app = builder.Build();
        var dead = new HashSet<string>(StringComparer.Ordinal);
        var responses = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["/search"] = """{"organic":[{"title":"A find","link":"https://example.com/1","snippet":"Found."}]}"""u8.ToArray(),
            ["/shopping"] =
                """{"shopping":[{"title":"A find","link":"https://example.com/1","price":"$1.00","source":"A shop","productId":"1"}]}"""u8.ToArray(),
            ["/buy/browse/v1/item_summary/search"] = Encoding.UTF8.GetBytes(
                """{"itemSummaries":[{"itemId":"v1|1|0","title":"A find","itemWebUrl":"https://example.com/1","price":{"value":"1.00","currency":"USD"}}]}"""),
            [Token] =
                """{"access_token":"a-token","expires_in":7200,"token_type":"Application Access Token"}"""u8.ToArray(),
        };
        app.Run(async http =>
        {
            var path = http.Request.Path.Value!;
            if (path.StartsWith("/dead/", StringComparison.Ordinal))
            {
                dead = [.. dead, path["/dead".Length..]];
                return;
            }

            if (path == "/queries")
            {
                await http.Response.WriteAsJsonAsync(counts?.ByQuery(), http.RequestAborted);
                return;
            }

            if (dead.Contains(path))
            {
                await Task.Delay(
                    Timeout.InfiniteTimeSpan, clock, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }

            if (!responses.TryGetValue(path, out var response))
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            if (counts is not null && path != Token)
            {
                await counts.AddAsync(http.Request);
            }

            if (latency > TimeSpan.Zero)
            {
                await Task.Delay(latency, clock, http.RequestAborted);
            }

            http.Response.ContentType = "application/json";
            http.Response.ContentLength = response.Length;
            await http.Response.Body.WriteAsync(response, http.RequestAborted);
        });
        await app.StartAsync(cancellationToken);
        Console.WriteLine(Ready);
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }
}

using System.IO.Compression;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sendcat.UnitTests.ServiceDefaults;

[Collection(SentryHub.Name)]
public sealed class SentryTests
{
    [Fact]
    public async Task A_crash_report_contains_no_request_data()
    {
        var envelope = new TaskCompletionSource<string>();
        await using var ingest = await RunAsync([], app => app.MapPost("/api/1/envelope/", async (HttpRequest request) =>
        {
            await using var body = request.Headers.ContentEncoding == "gzip"
                ? new GZipStream(request.Body, CompressionMode.Decompress)
                : request.Body;
            var text = await new StreamReader(body).ReadToEndAsync();
            if (text.Contains("exception", StringComparison.Ordinal))
            {
                envelope.TrySetResult(text);
            }
        }));
        var dsn = AddressOf(ingest).Replace("http://", "http://key@", StringComparison.Ordinal) + "/1";
        await using var program = await RunAsync([new("SENTRY_DSN", dsn)], app => app.MapPost("/crash", () => Crash()));

        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("Authorization", "Bearer secret-token");
        client.DefaultRequestHeaders.Add("Cookie", "session=secret-cookie");
        client.DefaultRequestHeaders.Add("x-sendcat-session", "secret-session");
        await client.PostAsync($"{AddressOf(program)}/crash?q=secret-query", new StringContent("secret-message"));

        var report = await envelope.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Contains("NotSupportedException", report, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_contain_no_secrets_of_addresses_and_upstreams_get_no_trace_headers()
    {
        var reports = System.Threading.Channels.Channel.CreateUnbounded<string>();
        await using var ingest = await RunAsync([], app => app.MapPost("/api/1/envelope/", async (HttpRequest request) =>
        {
            await using var body = request.Headers.ContentEncoding == "gzip"
                ? new GZipStream(request.Body, CompressionMode.Decompress)
                : request.Body;
            await reports.Writer.WriteAsync(await new StreamReader(body).ReadToEndAsync());
        }));
        IReadOnlyDictionary<string, string>? upstreamHeaders = null;
        await using var upstream = await RunAsync([], app => app.MapGet("/search.json", (HttpRequest request) =>
        {
            upstreamHeaders = request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString());
            return Results.StatusCode(500);
        }));
        var dsn = AddressOf(ingest).Replace("http://", "http://key@", StringComparison.Ordinal) + "/1";
        await using var program = await RunAsync(
            [new("SENTRY_DSN", dsn), new("SENTRY_TRACES_SAMPLE_RATE", "1")],
            app => app.MapPost("/api/shares/{token}/fork", async (IHttpClientFactory clients, ILoggerFactory loggers) =>
            {
                var address = $"{AddressOf(upstream)}/search.json?q=secret-words&api_key=secret-key";
                (await clients.CreateClient().GetAsync(address)).Dispose();
                loggers.CreateLogger("test").LogWarning("Asked {Address} for /api/shares/secret-token/fork", address);
                throw new InvalidOperationException($"{address} answered 500");
            }));

        using var client = new HttpClient();
        await client.PostAsync($"{AddressOf(program)}/api/shares/secret-token/fork?q=secret-query", null);

        var (crash, trace) = (false, false);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!crash || !trace)
        {
            var report = await reports.Reader.ReadAsync(timeout.Token);
            Assert.DoesNotContain("secret-", report, StringComparison.Ordinal);
            crash |= report.Contains("InvalidOperationException", StringComparison.Ordinal);
            trace |= report.Contains("\"type\":\"transaction\"", StringComparison.Ordinal);
        }

        Assert.NotNull(upstreamHeaders);
        Assert.DoesNotContain(
            upstreamHeaders.Keys,
            header => header.Contains("sentry", StringComparison.OrdinalIgnoreCase)
                || header.Equals("baggage", StringComparison.OrdinalIgnoreCase));
    }

    private static void Crash() => throw new NotSupportedException("no such thing");

    private static async Task<WebApplication> RunAsync(KeyValuePair<string, string?>[] settings, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }

    private static string AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
}

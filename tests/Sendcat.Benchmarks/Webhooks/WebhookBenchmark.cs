using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HdrHistogram;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.Reliability.Idempotency;
using Spectre.Console;

namespace Sendcat.Benchmarks.Webhooks;

/// <summary>
/// Measures acknowledgements of webhook deliveries at a fixed rate: signed WhatsApp messages, each with an id of its own, from the client
/// to the 200 that follows the commit. A delivery whose predecessor is late is sent on time, so a stall shows in the percentiles. No worker
/// runs.
/// </summary>
internal static class WebhookBenchmark
{
    private const string Secret = "benchmark";
    private const double TargetP99Ms = 100;

    /// <summary>Every so many deliveries, an earlier one is repeated.</summary>
    private const int RepeatEvery = 20;

    public static Command Command()
    {
        var rate = new Option<int>("--rate") { Description = "deliveries per second", DefaultValueFactory = _ => 500 };
        var seconds = new Option<int>("--seconds") { Description = "duration", DefaultValueFactory = _ => 60 };
        var settings = new Option<string[]>(
            "--set") { Description = "NAME=VALUE for the API", DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true };
        var command = new Command(
            "webhooks", "Acknowledgements of WhatsApp deliveries at a fixed rate, each after its commit.") { rate, seconds, settings };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(rate), parsed.GetValue(seconds), parsed.GetValue(settings)!, TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        int rate, int seconds, string[] settings, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var api = await SendcatApi.StartAsync(
            new Uri("http://127.0.0.1:1/"), ["WHATSAPP_APP_SECRET=" + Secret, .. settings], cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = api.Address };
        await DeliverAsync(http, api, rate, 5, "warm", clock, cancellationToken);
        var result = await DeliverAsync(http, api, rate, seconds, "run", clock, cancellationToken);

        var table = new Table()
            .AddColumns("deliveries/s", "acknowledged", "refused", "p50", "p99", "max", "CPU-s of the API per 1 000", "without a row");
        table.AddRow(
            rate.ToString(CultureInfo.InvariantCulture), result.Acknowledged.ToString(CultureInfo.InvariantCulture),
            result.Refused.ToString(CultureInfo.InvariantCulture),
            $"{Units.Text(result.P50Ms)} ms", $"{Units.Text(result.P99Ms)} ms", $"{Units.Text(result.MaxMs)} ms",
            Units.Text(result.CpuSecondsPer1000), result.WithoutRow.ToString(CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
        await Report.WriteAsync("webhooks", new { rate, seconds, settings }, result, clock);
        return result is { Refused: 0, WithoutRow: 0 } && result.P99Ms <= TargetP99Ms ? 0 : 1;
    }

    private static async Task<WebhookFigures> DeliverAsync(
        HttpClient http, SendcatApi api, int rate, int seconds, string prefix, TimeProvider clock, CancellationToken cancellationToken)
    {
        var latency = new LongConcurrentHistogram(1, 60_000_000, 3);
        using var process = Process.GetProcessById(api.ProcessId);
        var cpu = process.TotalProcessorTime;
        var count = rate * seconds;
        var deliveries = new List<Task<bool>>(count);
        var start = clock.GetTimestamp();
        for (var n = 0; n < count; n++)
        {
            var due = TimeSpan.FromSeconds((double)n / rate);
            if (due - clock.GetElapsedTime(start) is { Ticks: > 0 } early && early > TimeSpan.FromMilliseconds(1))
            {
                await Task.Delay(early, clock, cancellationToken);
            }

            deliveries.Add(PostAsync(http, IdOf(prefix, n), start, due, latency, clock, cancellationToken));
        }

        var acknowledged = await Task.WhenAll(deliveries);
        process.Refresh();
        var used = process.TotalProcessorTime - cpu;
        var keys = Enumerable.Range(0, count).Where(n => acknowledged[n]).Select(n => InboxScope.DigestOf(IdOf(prefix, n)))
            .ToHashSet(StringComparer.Ordinal);
        return new(
            acknowledged.Count(it => it), acknowledged.Count(it => !it), latency.Ms(50), latency.Ms(99), latency.Ms(100),
            Math.Round(used.TotalSeconds / count * 1_000, 3), keys.Count - await CountRowsAsync(api, keys, cancellationToken));
    }

    private static string IdOf(string prefix, int n) =>
        string.Create(CultureInfo.InvariantCulture, $"wamid.{prefix}.{(n % RepeatEvery == RepeatEvery - 1 ? n - (RepeatEvery / 2) : n)}");

    private static async Task<bool> PostAsync(
        HttpClient http, string id, long start, TimeSpan due, LongConcurrentHistogram latency, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var body = Encoding.UTF8.GetBytes(
            $$$"""{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","messages":[{"from":"1876{{{Math.Abs(id.GetHashCode(StringComparison.Ordinal)) % 10_000_000:D7}}}","id":"{{{id}}}","timestamp":"1790000000","type":"text","text":{"body":"Amazon order 112-1234567-1234567 has shipped"}}]} }]}]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/whatsapp/webhook") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(
            "X-Hub-Signature-256", $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body))}");
        using var response = await http.SendAsync(request, cancellationToken);
        latency.RecordValue(Math.Max(1, (long)(clock.GetElapsedTime(start) - due).TotalMicroseconds));
        return response.IsSuccessStatusCode;
    }

    private static async Task<int> CountRowsAsync(SendcatApi api, HashSet<string> keys, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(api.Database);
        await using var command = database.CreateCommand(
            """
            -- count acknowledged keys with their jobs
            SELECT count(*)::int FROM reliability.webhook_inbox i JOIN reliability.tool_jobs j ON j.id = i.job_id WHERE i.key = ANY($1)
            """);
        command.Parameters.Add(new() { Value = keys.ToArray() });
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}

/// <summary>The result of a run.</summary>
/// <param name="Acknowledged">Deliveries with 200.</param>
/// <param name="Refused">Deliveries with another status.</param>
/// <param name="P50Ms">From the time at which a delivery is due to its 200.</param>
/// <param name="CpuSecondsPer1000">Of the API's process.</param>
/// <param name="WithoutRow">Acknowledged keys without a row and a job: always 0.</param>
internal sealed record WebhookFigures(
    int Acknowledged, int Refused, double? P50Ms, double? P99Ms, double? MaxMs, double CpuSecondsPer1000, int WithoutRow);

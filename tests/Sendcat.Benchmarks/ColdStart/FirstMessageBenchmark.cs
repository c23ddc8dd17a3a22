using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.TestKit.Processes;
using Spectre.Console;

namespace Sendcat.Benchmarks.ColdStart;

/// <summary>
/// Measures what the first WhatsApp message costs a worker that was just started, against the next ones: processor time of the worker, and
/// time until the message and its reply have ended. A worker that takes over the jobs of a dead one pays it at the worst moment.
/// </summary>
internal static class FirstMessageBenchmark
{
    private const string Secret = "benchmark";
    private const string Phone = "18765550177";
    private const string Account = """{"email":"ann@example.com","password":"correct horse 1"}""";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>A worker is idle when it used less than a tenth of a processor for this time.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(2);

    public static Command Command()
    {
        var rounds = new Option<int>("--rounds") { Description = "starts of a worker", DefaultValueFactory = _ => 5 };
        var messages = new Option<int>("--messages") { Description = "messages of a round", DefaultValueFactory = _ => 10 };
        var worker = new Option<string?>("--worker") { Description = "the program of the worker; without it that of this build" };
        var command = new Command(
            "first-message", "The first WhatsApp message of a worker against the next ones: processor time and duration.")
        {
            rounds, messages, worker,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(rounds), parsed.GetValue(messages), parsed.GetValue(worker), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        int rounds, int messages, string? program, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        await using var emulator = await Emulator.StartAsync();
        await using var api = await SendcatApi.StartAsync(
            emulator.Http1,
            [
                $"WHATSAPP_APP_SECRET={Secret}", "WHATSAPP_ACCESS_TOKEN=benchmark", "WHATSAPP_PHONE_NUMBER_ID=106540352242922",
                $"WHATSAPP_GRAPH_BASE_URL={new Uri(emulator.Http1, "graph")}",
            ],
            cancellationToken);
        using var http = new HttpClient { BaseAddress = api.Address };
        await using var database = NpgsqlDataSource.Create(api.Database);
        await LinkAsync(http, database, cancellationToken);

        var (starts, first, next) = (new List<double>(), new List<Cost>(), new List<Cost>());
        for (var round = 0; round < rounds; round++)
        {
            var environment = new Dictionary<string, string?>(api.Environment)
            {
                ["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/"),
            };
            await using var worker = await TestProcess.StartAsync(
                new ProcessSpec(program ?? Checkout.Executable("Sendcat.ToolWorker")) { Environment = environment });
            starts.Add(await WaitUntilIdleAsync(worker.Id, clock, cancellationToken));
            for (var number = 0; number < messages; number++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"wamid.{round}.{number}");
                var cost = await DeliverAsync(http, database, worker.Id, id, $"113-{round:D7}-{number:D7}", clock, cancellationToken);
                (number == 0 ? first : next).Add(cost);
            }

            await worker.StopAsync();
        }

        var figures = new FirstMessageFigures(
            Median(starts), Median(first.Select(cost => cost.CpuMs)), Median(first.Select(cost => cost.Ms)),
            Median(next.Select(cost => cost.CpuMs)), Median(next.Select(cost => cost.Ms)));
        Write(figures);
        await Report.WriteAsync("first-message", new { rounds, messages, program }, figures, clock);
        return 0;
    }

    private static async Task LinkAsync(HttpClient http, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        using var body = new StringContent(Account, Encoding.UTF8, "application/json");
        (await http.PostAsync("api/auth/register", body, cancellationToken)).EnsureSuccessStatusCode();
        await using var command = database.CreateCommand(
            """
            INSERT INTO whatsapp_links (user_id, phone, connected_at) SELECT id, $1, now() FROM users
            """);
        command.Parameters.Add(new() { Value = Phone });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <returns>The processor time of the process until then (s).</returns>
    private static async Task<double> WaitUntilIdleAsync(int process, TimeProvider clock, CancellationToken cancellationToken)
    {
        for (var used = 0.0; ;)
        {
            await Task.Delay(IdleTime, clock, cancellationToken);
            var now = ProcessCost.CpuSeconds(process);
            if (now > 0 && now - used < IdleTime.TotalSeconds / 10)
            {
                return now;
            }

            used = now;
        }
    }

    private static async Task<Cost> DeliverAsync(
        HttpClient http, NpgsqlDataSource database, int worker, string id, string order, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var text = $"Thanks for your order {order} at the shop\\nTotal: $20.00";
        var body = Encoding.UTF8.GetBytes(
            $$$"""{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"18765550100","phone_number_id":"106540352242922"},"messages":[{"from":"{{{Phone}}}","id":"{{{id}}}","timestamp":"{{{clock.GetUtcNow().ToUnixTimeSeconds()}}}","type":"text","text":{"body":"{{{text}}}"}}]} }]}]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/whatsapp/webhook") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(
            "X-Hub-Signature-256", $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body))}");
        var (cpu, began, ended) =
            (ProcessCost.CpuSeconds(worker), clock.GetTimestamp(), await CountEndedAsync(database, cancellationToken));
        using (var response = await http.SendAsync(request, cancellationToken))
        {
            response.EnsureSuccessStatusCode();
        }

        // The message and its reply are a job each.
        while (await CountEndedAsync(database, cancellationToken) < ended + 2)
        {
            await Task.Delay(PollInterval, clock, cancellationToken);
        }

        return new((ProcessCost.CpuSeconds(worker) - cpu) * 1_000, clock.GetElapsedTime(began).TotalMilliseconds);
    }

    private static async Task<long> CountEndedAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "SELECT count(*) FROM reliability.tool_jobs WHERE tool = 'messages' AND status = 'completed'");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static double Median(IEnumerable<double> values) =>
        Math.Round(values.Order().ToArray() is { Length: > 0 } sorted ? sorted[sorted.Length / 2] : 0, 2);

    private static void Write(FirstMessageFigures figures)
    {
        var table = new Table { Border = TableBorder.Markdown }.AddColumns("", "processor time", "duration");
        table.AddRow("start of the worker", $"{Units.Text(figures.StartCpuSeconds)} s", "");
        table.AddRow("first message", $"{Units.Text(figures.FirstCpuMs)} ms", $"{Units.Text(figures.FirstMs)} ms");
        table.AddRow("a later message", $"{Units.Text(figures.NextCpuMs)} ms", $"{Units.Text(figures.NextMs)} ms");
        AnsiConsole.Write(table);
    }

    private readonly record struct Cost(double CpuMs, double Ms);
}

/// <summary>Medians over the rounds.</summary>
/// <param name="StartCpuSeconds">Processor time of the worker until it is idle (s).</param>
/// <param name="FirstCpuMs">Processor time of the worker for the first message and its reply (ms).</param>
/// <param name="FirstMs">From the delivery of the first message until its reply was sent (ms).</param>
/// <param name="NextCpuMs">The same for later messages (ms).</param>
/// <param name="NextMs">The same for later messages (ms).</param>
internal sealed record FirstMessageFigures(double StartCpuSeconds, double FirstCpuMs, double FirstMs, double NextCpuMs, double NextMs);

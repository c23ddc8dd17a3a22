using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>Takes what processes export over OTLP (HTTP, protobuf) and keeps the spans.</summary>
internal sealed class SpanReceiver : IAsyncDisposable
{
    private readonly WebApplication server;
    private readonly Lock gate = new();
    private readonly List<ReceivedSpan> spans = [];
    private TaskCompletionSource news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SpanReceiver(WebApplication server) => this.server = server;

    /// <summary>Settings that make a process export to here, soon.</summary>
    public (string Name, string Value)[] Knobs =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", server.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ];

    public static async Task<SpanReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new SpanReceiver(builder.Build());
        receiver.server.MapPost("/v1/traces", receiver.TakeAsync);
        receiver.server.MapPost("/v1/{signal}", () => Results.Ok());
        await receiver.server.StartAsync();
        return receiver;
    }

    /// <summary>All spans that were received until now.</summary>
    public IReadOnlyList<ReceivedSpan> Received
    {
        get
        {
            lock (gate)
            {
                return [.. spans];
            }
        }
    }

    /// <summary>Waits until all spans that were received until now, together, are as wanted.</summary>
    public async Task<IReadOnlyList<ReceivedSpan>> WaitForAsync(Func<IReadOnlyList<ReceivedSpan>, bool> wanted)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (wanted(spans))
                {
                    return [.. spans];
                }

                next = news.Task;
            }

            try
            {
                await next.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException late)
            {
                lock (gate)
                {
                    throw new InvalidOperationException($"Not among the spans:\n{string.Join('\n', spans)}", late);
                }
            }
        }
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        lock (gate)
        {
            spans.AddRange(ReceivedSpan.Read(body.ToArray()));
            var told = news;
            news = new(TaskCreationOptions.RunContinuationsAsynchronously);
            told.SetResult();
        }

        return Results.Ok();
    }
}

/// <param name="Parent">Empty: it has none.</param>
/// <param name="Kind"><c>internal</c>, <c>server</c>, <c>client</c>, <c>producer</c>, <c>consumer</c>.</param>
internal sealed record ReceivedSpan(string Service, string Source, string Trace, string Id, string Parent, string Name, string Kind, ulong Start, ulong End, IReadOnlyDictionary<string, string> Tags)
{
    // Numbers of fields as in opentelemetry/proto/{collector,trace,resource,common}/v1.
    public static IEnumerable<ReceivedSpan> Read(ReadOnlyMemory<byte> exportRequest) =>
        from resource in new ProtoMessage(exportRequest).Messages(1)
        let service = resource.Messages(1).Select(Attributes).Select(about => about.GetValueOrDefault("service.name", "")).FirstOrDefault("")
        from scope in resource.Messages(2)
        let source = scope.Messages(1).Select(about => about.Text(1)).FirstOrDefault("")
        from span in scope.Messages(2)
        select new ReceivedSpan(
            service, source, span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), Kinds[span.Number(6)], span.Number(7), span.Number(8),
            span.Messages(9).ToDictionary(pair => pair.Text(1), pair => Value(pair.Messages(2).Single()), StringComparer.Ordinal));

    public override string ToString() => $"{Trace[..6]} {Parent,16} -> {Id} {Service} {Kind} {Name}";

    private static readonly string[] Kinds = ["", "internal", "server", "client", "producer", "consumer"];

    private static Dictionary<string, string> Attributes(ProtoMessage owner) =>
        owner.Messages(1).ToDictionary(pair => pair.Text(1), pair => Value(pair.Messages(2).Single()), StringComparer.Ordinal);

    /// <summary>Text, else a number.</summary>
    private static string Value(ProtoMessage any) => any.Text(1) is { Length: > 0 } text ? text : (any.Number(3) + any.Number(2)).ToString(System.Globalization.CultureInfo.InvariantCulture);
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>An OTLP server (HTTP, protobuf) that stores the spans it receives in memory.</summary>
internal sealed class SpanReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly Lock _gate = new();
    private readonly List<ReceivedSpan> _spans = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SpanReceiver(WebApplication server) => _server = server;

    /// <summary>Settings with which a process exports to this server, every 100 ms.</summary>
    public (string Name, string Value)[] Knobs =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", _server.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ];

    public static async Task<SpanReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new SpanReceiver(builder.Build());
        receiver._server.MapPost("/v1/traces", receiver.ReceiveAsync);
        receiver._server.MapPost("/v1/{signal}", () => Results.Ok());
        await receiver._server.StartAsync();
        return receiver;
    }

    /// <summary>All spans that were received so far.</summary>
    public IReadOnlyList<ReceivedSpan> Received
    {
        get
        {
            lock (_gate)
            {
                return [.. _spans];
            }
        }
    }

    /// <summary>Waits until the condition is true for all spans received so far. It is evaluated now and after each export.</summary>
    /// <exception cref="InvalidOperationException">It was not true within 60 s; the message lists the spans.</exception>
    public async Task<IReadOnlyList<ReceivedSpan>> WaitForAsync(Func<IReadOnlyList<ReceivedSpan>, bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (condition(_spans))
                {
                    return [.. _spans];
                }

                next = _changed.Task;
            }

            try
            {
                await next.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException exception)
            {
                lock (_gate)
                {
                    throw new InvalidOperationException(
                        $"The condition was not met by the received spans:\n{string.Join('\n', _spans)}", exception);
                }
            }
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<IResult> ReceiveAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        lock (_gate)
        {
            _spans.AddRange(ReceivedSpan.Read(body.ToArray()));
            _changed.SetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return Results.Ok();
    }
}

/// <summary>A span as the exporting process sent it.</summary>
/// <param name="Service">The name of the process.</param>
/// <param name="Source">The name of the activity source.</param>
/// <param name="Parent">The id of the parent span; empty for a root.</param>
/// <param name="Kind"><c>internal</c>, <c>server</c>, <c>client</c>, <c>producer</c> or <c>consumer</c>.</param>
/// <param name="Start">In nanoseconds since 1970.</param>
/// <param name="End">In nanoseconds since 1970.</param>
internal sealed record ReceivedSpan(
    string Service, string Source, string Trace, string Id, string Parent, string Name, string Kind, ulong Start, ulong End,
    IReadOnlyDictionary<string, string> Tags)
{
    // The field numbers are those of opentelemetry/proto/{collector,trace,resource,common}/v1.
    public static IEnumerable<ReceivedSpan> Read(ReadOnlyMemory<byte> exportRequest) =>
        from resource in new ProtoMessage(exportRequest).Messages(1)
        let service = resource.Messages(1).Select(Attributes).Select(attributes => attributes.GetValueOrDefault("service.name", ""))
            .FirstOrDefault("")
        from scope in resource.Messages(2)
        let source = scope.Messages(1).Select(message => message.Text(1)).FirstOrDefault("")
        from span in scope.Messages(2)
        select new ReceivedSpan(
            service, source, span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), Kinds[span.Number(6)], span.Number(7), span.Number(8),
            span.Messages(9).ToDictionary(pair => pair.Text(1), pair => Value(pair.Messages(2).Single()), StringComparer.Ordinal));

    public override string ToString() => $"{Trace[..6]} {Parent,16} -> {Id} {Service} {Kind} {Name}";

    private static readonly string[] Kinds = ["", "internal", "server", "client", "producer", "consumer"];

    private static Dictionary<string, string> Attributes(ProtoMessage owner) =>
        owner.Messages(1).ToDictionary(pair => pair.Text(1), pair => Value(pair.Messages(2).Single()), StringComparer.Ordinal);

    /// <summary>The value as text: a string, a boolean or an integer.</summary>
    private static string Value(ProtoMessage any) =>
        any.Text(1) is { Length: > 0 } text
            ? text
            : (any.Number(3) + any.Number(2)).ToString(System.Globalization.CultureInfo.InvariantCulture);
}

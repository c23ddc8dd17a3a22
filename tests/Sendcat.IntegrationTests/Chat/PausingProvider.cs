using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// A model provider whose answers, the numbers 1 to 23, pause after 3 until the test continues them. The emulator can only pause for a
/// fixed time.
/// </summary>
internal sealed class PausingProvider : IAsyncDisposable
{
    private const int BeforePause = 3;
    private const int AfterPause = 20;

    private readonly WebApplication _server;
    private readonly TimeSpan? _commentInterval;
    private readonly TaskCompletionSource _continued = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PausingProvider(TimeSpan? commentInterval)
    {
        _commentInterval = commentInterval;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.MapPost("/chat/completions", RespondAsync);
    }

    /// <summary>The answer before the pause.</summary>
    public static string Beginning { get; } = string.Concat(Enumerable.Range(1, BeforePause).Select(n => $"{n} "));

    /// <summary>The whole answer.</summary>
    public static string Answer { get; } = string.Concat(Enumerable.Range(1, BeforePause + AfterPause).Select(n => $"{n} "));

    /// <summary>The knobs of a system that uses this provider.</summary>
    public (string Name, string Value)[] Knobs =>
    [
        ("OPENROUTER_BASE_URL", _server.Urls.Single()), ("OPENROUTER_HTTP_VERSION", "1.1"), ("CHAT_PROVIDER_IDLE_TIMEOUT_MS", "300000"),
    ];

    /// <param name="commentInterval">The interval of comments during the pause; null: nothing is sent.</param>
    public static async Task<PausingProvider> StartAsync(TimeSpan? commentInterval)
    {
        var provider = new PausingProvider(commentInterval);
        await provider._server.StartAsync();
        return provider;
    }

    /// <summary>Ends the pause of all answers.</summary>
    public void Continue() => _continued.TrySetResult();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task RespondAsync(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        await WriteNumbersAsync(http, 1, BeforePause);
        while (!_continued.Task.IsCompleted)
        {
            await Task.WhenAny(
                _continued.Task, Task.Delay(_commentInterval ?? Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted));
            http.RequestAborted.ThrowIfCancellationRequested();
            await http.Response.WriteAsync(": OPENROUTER PROCESSING\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }

        await WriteNumbersAsync(http, BeforePause + 1, AfterPause);
        await http.Response.WriteAsync(
            """data: {"choices":[{"delta":{},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n", http.RequestAborted);
    }

    private static async Task WriteNumbersAsync(HttpContext http, int first, int count)
    {
        foreach (var number in Enumerable.Range(first, count))
        {
            var chunk = $$"""data: {"choices":[{"delta":{"content":"{{number}} "},"finish_reason":null}]}""";
            await http.Response.WriteAsync(chunk + "\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }
}

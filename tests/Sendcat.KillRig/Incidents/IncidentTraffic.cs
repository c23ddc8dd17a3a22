using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.KillRig.Freezing;

namespace Sendcat.KillRig.Incidents;

/// <summary>
/// Guests who chat during an incident. Each starts its next turn a moment after the last one has ended.
/// Two turns of three search, one of them for products.
/// </summary>
internal sealed class IncidentTraffic(Uri api, int guests, TimeProvider time) : IAsyncDisposable
{
    private const int Kinds = 3;
    private const string SessionHeader = "x-sendcat-session";

    /// <summary>Then a guest begins another thread. The tokens of a long one would exceed <c>RATE_LIMIT_CHAT_TOKENS_MAX</c>.</summary>
    private const int TurnsOfThread = 4;

    /// <summary>Then another guest takes over: a guest may have <c>THREADS_PER_GUEST_MAX</c> (50) threads.</summary>
    private const int TurnsOfGuest = 40 * TurnsOfThread;

    /// <summary>
    /// With a shorter pause the guests would meet <c>RATE_LIMIT_CHAT_STREAM_MAX</c> (30 turns in five minutes), an incident of its own.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(11);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, int> _ends = new(StringComparer.Ordinal);
    private readonly long _run = time.GetUtcNow().ToUnixTimeMilliseconds();
    private Task _all = Task.CompletedTask;
    private int _turns;

    /// <summary>
    /// The number of turns by their end: <c>done</c>, <c>error</c>, <c>aborted</c>, <c>cut off</c>, <c>failed</c>, or a status.
    /// </summary>
    public IReadOnlyDictionary<string, int> Ends => _ends;

    public void Start() => _all = Task.WhenAll(Enumerable.Range(0, guests).Select(_ => ChatAsync(Pause, _stop.Token)));

    /// <summary>One guest that starts a new turn every 20 ms and reads none of them to its end, for the given time.</summary>
    public async Task FloodAsync(CancellationToken until)
    {
        using var http = new HttpClient { BaseAddress = api, Timeout = Timeout };
        await SignInAsync(http, until);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20), time);
        var sent = new List<Task>();
        while (await timer.WaitForNextTickAsync(until).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully, TaskScheduler.Default))
        {
            sent.Add(SendAsync(http));
            sent.RemoveAll(request => request.IsCompleted);
        }

        await Task.WhenAll(sent);

        async Task SendAsync(HttpClient client)
        {
            try
            {
                using var body = JsonContent.Create(new { message = "[[emu chunks=2]]" });
                using var response = await client.PostAsync(new Uri("api/chat", UriKind.Relative), body, CancellationToken.None);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                // A flood does not look at its answers.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _all;
        _stop.Dispose();
    }

    private async Task ChatAsync(TimeSpan pause, CancellationToken stopping)
    {
        using var http = new HttpClient { BaseAddress = api, Timeout = Timeout };
        Guid? thread = null;
        for (var number = 0; !stopping.IsCancellationRequested; number++)
        {
            thread = number % TurnsOfThread == 0 ? null : thread;
            var end = "failed";
            if (number % TurnsOfGuest == 0)
            {
                http.DefaultRequestHeaders.Remove(SessionHeader);
            }

            try
            {
                await SignInAsync(http, stopping);
                (end, thread) = await RunTurnAsync(http, thread, Interlocked.Increment(ref _turns), stopping);
            }
            catch (Exception exception) when (
                exception is HttpRequestException or OperationCanceledException or JsonException or IOException)
            {
                // Counted as failed.
            }

            if (!stopping.IsCancellationRequested)
            {
                _ends.AddOrUpdate(end, 1, static (_, before) => before + 1);
            }

            await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SignInAsync(HttpClient http, CancellationToken cancellationToken)
    {
        if (!http.DefaultRequestHeaders.Contains(SessionHeader))
        {
            using var session = await http.PostAsJsonAsync("api/auth/anonymous", new { }, cancellationToken);
            session.EnsureSuccessStatusCode();
            http.DefaultRequestHeaders.Add(
                SessionHeader,
                (await session.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("sessionId").GetString());
        }
    }

    private async Task<(string End, Guid? Thread)> RunTurnAsync(HttpClient http, Guid? thread, int turn, CancellationToken stopping)
    {
        var message = (turn % Kinds) switch
        {
            0 => "[[emu chunks=10 every=20ms]]",
            1 => $$"""[[emu call=1 tool=search_web args={"query":"kettle {{_run}} {{turn}}"}]] [[emu call=2 chunks=5]]""",
            _ => $$"""[[emu call=1 tool=search_products args={"query":"kettle {{_run}} {{turn}}"}]] [[emu call=2 chunks=5]]""",
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/chat")
        {
            Content = JsonContent.Create(
                thread is null ? (object)new { message, webSearch = true } : new { threadId = thread, message, webSearch = true }),
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stopping);
        if (!response.IsSuccessStatusCode)
        {
            return ($"{(int)response.StatusCode}", thread);
        }

        var reading = new TurnReading();
        await reading.ReadAsync(await response.Content.ReadAsStreamAsync(stopping), stopping);
        return (reading.End, reading.Thread ?? thread);
    }
}

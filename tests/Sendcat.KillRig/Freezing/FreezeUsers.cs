using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Freezing;

/// <summary>
/// Users who chat while stores are suspended. Each has one thread, lists the threads before each turn, and sends a new message with the
/// turn; every fourth turn searches the web. A user who is refused continues with the next turn after the pause.
/// </summary>
internal sealed class FreezeUsers(IReadOnlyList<Uri> replicas, FreezeOptions options, TimeProvider time)
{
    /// <summary>The submitter index in the nonces of the turns. No submitter has this index.</summary>
    private const int Index = 98;

    private const int TurnsPerSearch = 4;

    /// <summary>Longer than every timeout of the service, so that a request without an answer is a finding.</summary>
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(120);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly ConcurrentQueue<Request> _requests = [];
    private readonly ConcurrentQueue<AcceptedTurn> _accepted = [];
    private int _turnCount;

    public IReadOnlyCollection<Request> Requests => _requests;

    public IReadOnlyCollection<AcceptedTurn> Accepted => _accepted;

    /// <summary>Chats until the token is cancelled, and reads the running turns to their end.</summary>
    public Task ChatAsync(CancellationToken stopping) =>
        Task.WhenAll(Enumerable.Range(0, options.People).Select(user => ChatAsync(user, stopping)));

    private async Task ChatAsync(int user, CancellationToken stopping)
    {
        await Task.Delay(options.Pause * ((double)user / options.People), time, stopping)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var http = new HttpClient { BaseAddress = replicas[user % replicas.Count], Timeout = ClientTimeout };
        Guid? thread = null;
        for (var turn = user; !stopping.IsCancellationRequested; turn++)
        {
            try
            {
                await SignInAsync(http);
                await ListAsync(http);
                thread = await RunTurnAsync(http, thread, searches: turn % TurnsPerSearch == 0) ?? thread;
            }
            catch (Exception exception) when (
                exception is HttpRequestException or OperationCanceledException or JsonException or IOException)
            {
                // Recorded as the outcome of its request.
            }

            await Task.Delay(options.Pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SignInAsync(HttpClient http)
    {
        if (!http.DefaultRequestHeaders.Contains("x-sendcat-session"))
        {
            using var session = await http.PostAsJsonAsync("api/auth/anonymous", new { });
            session.EnsureSuccessStatusCode();
            http.DefaultRequestHeaders.Add(
                "x-sendcat-session", (await session.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("sessionId").GetString());
        }
    }

    private async Task ListAsync(HttpClient http)
    {
        var (at, began, outcome) = (time.GetUtcNow(), time.GetTimestamp(), "no answer");
        try
        {
            using var response = await http.GetAsync(new Uri("api/threads", UriKind.Relative));
            outcome = OutcomeOf(response);
        }
        finally
        {
            _requests.Enqueue(new("list", outcome, at, time.GetElapsedTime(began)));
        }
    }

    /// <returns>The thread of the turn; null if it was refused before its first event.</returns>
    private async Task<Guid?> RunTurnAsync(HttpClient http, Guid? thread, bool searches)
    {
        var nonce = RigNonce.Create(Index, Environment.ProcessId, Interlocked.Increment(ref _turnCount), Intent.Cancellable);
        var question = searches
            ? $$"""{{nonce}} [[emu call=1 tool=search_web args={"query":"{{nonce}}"}]] [[emu call=2 chunks=10 every=50ms]]"""
            : $"{nonce} [[emu chunks=10 every=50ms]]";
        var (at, began) = (time.GetUtcNow(), time.GetTimestamp());
        var (outcome, responded) = ("no answer", (TimeSpan?)null);
        var turn = new TurnReading();
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "api/chat")
            {
                Content = JsonContent.Create(
                    new { threadId = thread, message = question, clientId = nonce, webSearch = true }, options: Json),
            };
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            (responded, outcome) = (time.GetElapsedTime(began), OutcomeOf(response));
            if (!response.IsSuccessStatusCode)
            {
                return null;
            }

            using var deadline = new CancellationTokenSource(ClientTimeout, time);
            await turn.ReadAsync(await response.Content.ReadAsStreamAsync(deadline.Token), deadline.Token);
            return turn.Thread;
        }
        finally
        {
            _requests.Enqueue(new("chat", outcome, at, responded ?? time.GetElapsedTime(began)));
            if (outcome == "200")
            {
                _requests.Enqueue(new(searches ? "search" : "answer", turn.End, at, time.GetElapsedTime(began)));
                _accepted.Enqueue(new(question, turn.Answers, turn.End));
            }
        }
    }

    private static string OutcomeOf(HttpResponseMessage response)
    {
        var status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        return response.IsSuccessStatusCode ? status
            : $"{status} {Header("x-sendcat-error-reason") ?? Header("x-sendcat-error-code")}, {RetryAfter()}";

        // Without the number of a long wait, which differs in each answer.
        string RetryAfter() => response.Headers.RetryAfter?.Delta switch
        {
            null => "no Retry-After",
            { TotalSeconds: <= 10 and var seconds } => string.Create(CultureInfo.InvariantCulture, $"retry after {seconds} s"),
            _ => "retry after more than 10 s",
        };

        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;
    }
}

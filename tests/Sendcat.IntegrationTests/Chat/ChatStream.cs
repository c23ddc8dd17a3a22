using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>The response to a chat request. All reads together may take 60 s; then they throw, so that a test cannot hang.</summary>
/// <param name="maxWait">Another maximum than 60 s.</param>
internal sealed class ChatStream(HttpResponseMessage response, TimeSpan? maxWait = null) : IAsyncDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _timeout = new(maxWait ?? MaxWait);
    private IAsyncEnumerator<SseItem<string>>? _items;

    public HttpStatusCode Status => response.StatusCode;

    public HttpResponseMessage Response => response;

    public string? ErrorCode => response.Headers.TryGetValues("x-sendcat-error-code", out var values) ? values.Single() : null;

    public string? ErrorReason => response.Headers.TryGetValues("x-sendcat-error-reason", out var values) ? values.Single() : null;

    /// <summary>The events that were read so far.</summary>
    public List<JsonElement> Events { get; } = [];

    /// <summary>The final <c>[DONE]</c> of the UI dialect was read.</summary>
    public bool DoneReceived { get; private set; }

    /// <summary>Asserts that the response is a stream. The message has the refusal.</summary>
    public async Task StartedAsync()
    {
        if (Status != HttpStatusCode.OK)
        {
            Assert.Fail(await RefusalAsync());
        }
    }

    /// <summary>The next event, or null at the end of the stream.</summary>
    /// <exception cref="HttpRequestException">The request was refused. The message has the refusal.</exception>
    public async Task<JsonElement?> NextAsync()
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await RefusalAsync(), null, Status);
        }

        _items ??= SseParser.Create(await response.Content.ReadAsStreamAsync(_timeout.Token), (_, data) => Encoding.UTF8.GetString(data))
            .EnumerateAsync(_timeout.Token)
            .GetAsyncEnumerator();
        if (!await _items.MoveNextAsync())
        {
            return null;
        }

        if (_items.Current.Data == "[DONE]")
        {
            DoneReceived = true;
            return await NextAsync();
        }

        var chatEvent = JsonDocument.Parse(_items.Current.Data).RootElement.Clone();
        Events.Add(chatEvent);
        return chatEvent;
    }

    /// <summary>Reads up to and including the next event of this type.</summary>
    /// <exception cref="InvalidOperationException">The stream ended before.</exception>
    public async Task<JsonElement> ReadUntilAsync(string type)
    {
        while (await NextAsync() is { } chatEvent)
        {
            if (chatEvent.GetProperty("type").GetString() == type)
            {
                return chatEvent;
            }
        }

        throw new InvalidOperationException($"The stream ended before '{type}': {string.Join(' ', Events)}");
    }

    /// <summary>Reads to the end.</summary>
    /// <returns>All events of the stream.</returns>
    public async Task<List<JsonElement>> ReadToEndAsync()
    {
        while (await NextAsync() is not null)
        {
        }

        return Events;
    }

    /// <summary>The text of the <c>content</c> events that were read so far.</summary>
    public string Text => string.Concat(
        Events.Where(e => e.GetProperty("type").GetString() == "content").Select(e => e.GetProperty("content").GetString()));

    /// <summary>The types of the events that were read so far.</summary>
    public IReadOnlyList<string> Types => [.. Events.Select(e => e.GetProperty("type").GetString()!)];

    public Task<string> BodyAsync() => response.Content.ReadAsStringAsync();

    private async Task<string> RefusalAsync() => $"{(int)Status} {ErrorCode} {ErrorReason}: {await BodyAsync()}";

    public async ValueTask DisposeAsync()
    {
        response.Dispose();
        _timeout.Dispose();
        if (_items is not null)
        {
            try
            {
                await _items.DisposeAsync();
            }
            catch (Exception exception) when (
                exception is IOException or HttpRequestException or ObjectDisposedException or NotSupportedException)
            {
                // Disposing closes the connection while the reader may still use it.
            }
        }
    }
}

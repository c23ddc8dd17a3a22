using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>An answer being read. Reading stops the test after half a minute rather than for ever.</summary>
internal sealed class ChatStream(HttpResponseMessage response) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource patience = new(Patience);
    private IAsyncEnumerator<SseItem<string>>? items;

    public HttpStatusCode Status => response.StatusCode;

    public HttpResponseMessage Response => response;

    public string? ErrorCode => response.Headers.TryGetValues("x-sendcat-error-code", out var values) ? values.Single() : null;

    public List<JsonElement> Seen { get; } = [];

    /// <summary>The sentinel of the UI dialect came.</summary>
    public bool SawDone { get; private set; }

    /// <summary>The next event, or null at the end of the stream.</summary>
    public async Task<JsonElement?> NextAsync()
    {
        items ??= SseParser.Create(await response.Content.ReadAsStreamAsync(patience.Token), (_, data) => Encoding.UTF8.GetString(data)).EnumerateAsync(patience.Token).GetAsyncEnumerator();
        if (!await items.MoveNextAsync())
        {
            return null;
        }

        if (items.Current.Data == "[DONE]")
        {
            SawDone = true;
            return await NextAsync();
        }

        var happened = JsonDocument.Parse(items.Current.Data).RootElement.Clone();
        Seen.Add(happened);
        return happened;
    }

    public async Task<JsonElement> UntilAsync(string type)
    {
        while (await NextAsync() is { } happened)
        {
            if (happened.GetProperty("type").GetString() == type)
            {
                return happened;
            }
        }

        throw new InvalidOperationException($"The stream ended before '{type}': {string.Join(' ', Seen)}");
    }

    /// <summary>Everything to the end.</summary>
    public async Task<List<JsonElement>> ToEndAsync()
    {
        while (await NextAsync() is not null)
        {
        }

        return Seen;
    }

    public string Text => string.Concat(Seen.Where(e => e.GetProperty("type").GetString() == "content").Select(e => e.GetProperty("content").GetString()));

    public IReadOnlyList<string> Types => [.. Seen.Select(e => e.GetProperty("type").GetString()!)];

    public Task<string> BodyAsync() => response.Content.ReadAsStringAsync();

    public async ValueTask DisposeAsync()
    {
        response.Dispose();
        patience.Dispose();
        if (items is not null)
        {
            try
            {
                await items.DisposeAsync();
            }
            catch (Exception gone) when (gone is IOException or HttpRequestException or ObjectDisposedException or NotSupportedException)
            {
                // The connection was cut under the reader, which is what disposing is for.
            }
        }
    }
}

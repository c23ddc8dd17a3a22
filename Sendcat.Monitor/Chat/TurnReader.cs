using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>
/// Reads the events of one turn. A stream that ends without its last event is reported as a failure, not as a short answer.
/// </summary>
internal static class TurnReader
{
    public static async IAsyncEnumerable<TurnEvent> ReadAsync(
        Stream stream, TurnDialect dialect, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var items = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (items)
        {
            while (true)
            {
                var (turnEvent, ended) = await NextAsync(items, dialect);
                if (turnEvent is not null)
                {
                    yield return turnEvent;
                }

                if (ended || turnEvent is { IsLast: true })
                {
                    yield break;
                }
            }
        }
    }

    private static async ValueTask<(TurnEvent? Event, bool Ended)> NextAsync(IAsyncEnumerator<SseItem<string>> items, TurnDialect dialect)
    {
        try
        {
            return await items.MoveNextAsync()
                ? (dialect.Read(items.Current.Data), false)
                : (new TurnEvent.Failed("stream_ended", "The stream ended before the answer did.", null), true);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return (new TurnEvent.Failed("stream_cut", "The connection was lost before the answer ended.", null), true);
        }
        catch (JsonException)
        {
            return (new TurnEvent.Failed("stream_unreadable", "The stream holds something that is not JSON.", null), true);
        }
    }
}

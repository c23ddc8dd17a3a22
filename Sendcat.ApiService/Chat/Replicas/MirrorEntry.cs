using System.Globalization;
using Sendcat.ApiService.Chat.Streaming;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>One event in a mirror.</summary>
/// <param name="Epoch">A mirror that is written again from the first event, because Redis lost it, has a higher epoch.</param>
/// <param name="Position">
/// What precedes the event in its turn: 1 for each character of a delta and for each other event. It does not depend on how deltas are
/// split, so an event has the same position in every epoch, and readers detect a gap or a repetition.
/// </param>
internal readonly record struct MirrorEntry(long Epoch, long Position, ChatEvent Event)
{
    /// <summary>The position after the event.</summary>
    public long End => Position + (Event.DeltaText?.Length ?? 1);

    /// <summary>The id in the Redis stream. It grows with each entry and with each epoch.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Position}");

    /// <exception cref="FormatException">The id is not that of an entry.</exception>
    public static MirrorEntry Parse(string id, ChatEvent chatEvent) =>
        id.Split('-') is [var epoch, var position]
            ? new(long.Parse(epoch, CultureInfo.InvariantCulture), long.Parse(position, CultureInfo.InvariantCulture), chatEvent)
            : throw new FormatException("Not the id of an entry.");
}

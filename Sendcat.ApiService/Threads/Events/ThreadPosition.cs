using System.Globalization;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>
/// What the reader of a thread's events knows: the <c>id</c> of its last event, which a browser sends back as <c>Last-Event-ID</c>. It
/// holds everything that the next events are computed from, so any replica can continue. Opaque to clients.
/// </summary>
/// <param name="Seq">The largest <see cref="ChatMessage.Seq"/> that it knows; 0: none.</param>
/// <param name="Count">
/// The messages of the thread up to <paramref name="Seq"/>. Another number means that some were added or removed there.
/// </param>
/// <param name="Turns">The stream ids of the turns that run as far as it knows.</param>
internal sealed record ThreadPosition(long Seq, int Count, IReadOnlyList<Guid> Turns)
{
    private const int MaxTurns = 32;
    private const int MaxLength = 2_048;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Seq}.{Count}.{string.Join(',', Turns.Select(turn => turn.ToString("N")))}");

    /// <returns>Null for text that is no position.</returns>
    public static ThreadPosition? Parse(string? text)
    {
        if (text is not { Length: > 0 and <= MaxLength }
            || text.Split('.') is not [var seq, var count, var turns]
            || !long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var largest)
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var known))
        {
            return null;
        }

        var ids = new List<Guid>();
        foreach (var turn in turns.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (ids.Count == MaxTurns || !Guid.TryParseExact(turn, "N", out var id))
            {
                return null;
            }

            ids.Add(id);
        }

        return new(largest, known, ids);
    }
}

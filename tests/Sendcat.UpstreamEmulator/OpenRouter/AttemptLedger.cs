using System.Collections.Concurrent;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>Counts attempts for <c>times=</c>: a retry sends the same messages for the same model, so it meets its own count.</summary>
internal sealed class AttemptLedger
{
    private const int Kept = 100_000;

    private readonly ConcurrentDictionary<(string Block, string Model, string Conversation), int> attempts = new();

    /// <summary>Counts this attempt and says whether the block still applies to it.</summary>
    public bool StillApplies(MarkerBlock block, string model, string conversation)
    {
        if (block.Times is not { } times)
        {
            return true;
        }

        if (attempts.Count > Kept)
        {
            attempts.Clear();
        }

        return attempts.AddOrUpdate((block.Text, model, block.Key ?? conversation), 1, (_, n) => n + 1) <= times;
    }

    public void Clear() => attempts.Clear();
}

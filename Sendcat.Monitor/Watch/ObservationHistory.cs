namespace Sendcat.Monitor.Watch;

/// <summary>The last looks at every address, oldest first. An address that is no longer found stays until it has been away for a whole history.</summary>
internal sealed class ObservationHistory
{
    public const int Kept = 120;

    private readonly Lock gate = new();
    private readonly Dictionary<Uri, Queue<ApiObservation>> byAddress = [];
    private readonly Dictionary<Uri, int> missed = [];

    /// <returns>The observations whose state is not what it was at the look before.</returns>
    public IReadOnlyList<ApiObservation> Add(IReadOnlyList<ApiObservation> round)
    {
        var changed = new List<ApiObservation>();
        lock (gate)
        {
            foreach (var address in byAddress.Keys)
            {
                missed[address] = missed.GetValueOrDefault(address) + 1;
            }

            foreach (var observation in round)
            {
                missed[observation.Address] = 0;
                if (!byAddress.TryGetValue(observation.Address, out var looks))
                {
                    byAddress.Add(observation.Address, looks = new());
                }

                if (looks.Count == 0 || looks.Last().State != observation.State)
                {
                    changed.Add(observation);
                }

                looks.Enqueue(observation);
                if (looks.Count > Kept)
                {
                    looks.Dequeue();
                }
            }

            foreach (var address in byAddress.Keys.Where(a => missed[a] >= Kept).ToList())
            {
                byAddress.Remove(address);
                missed.Remove(address);
            }
        }

        return changed;
    }

    public IReadOnlyList<(Uri Address, IReadOnlyList<ApiObservation> Looks)> Snapshot()
    {
        lock (gate)
        {
            return [.. byAddress.OrderBy(a => a.Key.AbsoluteUri, StringComparer.Ordinal).Select(a => (a.Key, (IReadOnlyList<ApiObservation>)[.. a.Value]))];
        }
    }
}

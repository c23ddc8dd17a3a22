namespace Sendcat.Monitor.Watch;

/// <summary>
/// The last observations of every address, oldest first. An address that discovery no longer returns is removed after
/// <see cref="Capacity"/> rounds without it.
/// </summary>
internal sealed class ObservationHistory
{
    /// <summary>Maximum observations per address.</summary>
    public const int Capacity = 120;

    private readonly Lock gate = new();
    private readonly Dictionary<Uri, Queue<ApiObservation>> byAddress = [];
    private readonly Dictionary<Uri, int> missed = [];

    /// <returns>The observations whose state differs from the previous one of the same address, and the first ones.</returns>
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
                if (!byAddress.TryGetValue(observation.Address, out var observations))
                {
                    byAddress.Add(observation.Address, observations = new());
                }

                if (observations.Count == 0 || observations.Last().State != observation.State)
                {
                    changed.Add(observation);
                }

                observations.Enqueue(observation);
                if (observations.Count > Capacity)
                {
                    observations.Dequeue();
                }
            }

            foreach (var address in byAddress.Keys.Where(a => missed[a] >= Capacity).ToList())
            {
                byAddress.Remove(address);
                missed.Remove(address);
            }
        }

        return changed;
    }

    public IReadOnlyList<(Uri Address, IReadOnlyList<ApiObservation> Observations)> Snapshot()
    {
        lock (gate)
        {
            return [.. byAddress.OrderBy(a => a.Key.AbsoluteUri, StringComparer.Ordinal).Select(a => (a.Key, (IReadOnlyList<ApiObservation>)[.. a.Value]))];
        }
    }
}

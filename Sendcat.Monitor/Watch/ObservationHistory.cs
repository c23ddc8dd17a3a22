namespace Sendcat.Monitor.Watch;

/// <summary>
/// The last observations of every address, oldest first. An address that discovery no longer returns is removed after
/// <see cref="Capacity"/> rounds without it.
/// </summary>
internal sealed class ObservationHistory
{
    /// <summary>Maximum observations per address.</summary>
    public const int Capacity = 120;

    private readonly Lock _gate = new();
    private readonly Dictionary<Uri, Queue<ApiObservation>> _byAddress = [];
    private readonly Dictionary<Uri, int> _missed = [];

    /// <returns>The observations whose state differs from the previous one of the same address, and the first ones.</returns>
    public IReadOnlyList<ApiObservation> Add(IReadOnlyList<ApiObservation> round)
    {
        var changed = new List<ApiObservation>();
        lock (_gate)
        {
            foreach (var address in _byAddress.Keys)
            {
                _missed[address] = _missed.GetValueOrDefault(address) + 1;
            }

            foreach (var observation in round)
            {
                _missed[observation.Address] = 0;
                if (!_byAddress.TryGetValue(observation.Address, out var observations))
                {
                    _byAddress.Add(observation.Address, observations = new());
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

            foreach (var address in _byAddress.Keys.Where(a => _missed[a] >= Capacity).ToList())
            {
                _byAddress.Remove(address);
                _missed.Remove(address);
            }
        }

        return changed;
    }

    public IReadOnlyList<(Uri Address, IReadOnlyList<ApiObservation> Observations)> Snapshot()
    {
        lock (_gate)
        {
            return
            [
                .. _byAddress.OrderBy(a => a.Key.AbsoluteUri, StringComparer.Ordinal)
                    .Select(a => (a.Key, (IReadOnlyList<ApiObservation>)[.. a.Value])),
            ];
        }
    }
}

namespace Sendcat.UpstreamEmulator.Shop;

/// <summary>Pseudo-random numbers from a text: the same seed always gives the same sequence.</summary>
internal struct SeededRandom(string seed)
{
    private ulong _state = Fnv1A(seed);

    /// <summary>The next number, at least 0 and less than 1.</summary>
    public double Next()
    {
        // SplitMix64 (Steele, Lea, Flood 2014)
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1ul << 53));
    }

    public int Below(int bound) => (int)(Next() * bound);

    public T One<T>(IReadOnlyList<T> of) => of[Below(of.Count)];

    public bool Chance(double share) => Next() < share;

    private static ulong Fnv1A(string text)
    {
        var hash = 14_695_981_039_346_656_037ul;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 1_099_511_628_211ul;
        }

        return hash;
    }
}

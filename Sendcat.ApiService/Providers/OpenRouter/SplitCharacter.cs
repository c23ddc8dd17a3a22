namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Joins a character whose two surrogates arrived in two consecutive deltas of one channel. A surrogate that stays unpaired becomes U+FFFD.
/// </summary>
internal struct SplitCharacter
{
    private char _high;

    /// <summary>
    /// The delta, with a high surrogate of the previous delta prepended. A high surrogate at its end is kept for the next delta.
    /// </summary>
    public string Join(string delta)
    {
        if (delta.Length == 0 || (_high == 0 && !char.IsSurrogate(delta[0]) && !char.IsSurrogate(delta[^1])))
        {
            return delta;
        }

        if (_high != 0)
        {
            delta = (char.IsLowSurrogate(delta[0]) ? _high : '\uFFFD') + delta;
            _high = '\0';
        }
        else if (char.IsLowSurrogate(delta[0]))
        {
            delta = '\uFFFD' + delta[1..];
        }

        if (char.IsHighSurrogate(delta[^1]))
        {
            _high = delta[^1];
            delta = delta[..^1];
        }

        return delta;
    }
}

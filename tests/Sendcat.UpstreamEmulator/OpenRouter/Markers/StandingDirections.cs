using System.Collections.Immutable;

namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>Marker blocks that apply to every request until they are cleared: how a drill makes a provider fail without touching anyone's prompt.</summary>
internal sealed class StandingDirections
{
    private ImmutableArray<MarkerBlock> blocks = [];

    public ImmutableArray<MarkerBlock> Blocks => blocks;

    public void Add(string markers)
    {
        var (added, rest) = MarkerParser.Parse(markers);
        if (added.Count == 0 || rest.Length > 0)
        {
            throw new FormatException("expected one or more [[emu …]] blocks and nothing else");
        }

        foreach (var block in added)
        {
            block.ApplyTo(new Directions()); // a wrong value is told here, not to the next request
        }

        ImmutableInterlocked.Update(ref blocks, (before, more) => before.AddRange(more), added);
    }

    public void Clear() => ImmutableInterlocked.InterlockedExchange(ref blocks, []);
}

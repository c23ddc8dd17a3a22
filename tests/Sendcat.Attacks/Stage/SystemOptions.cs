namespace Sendcat.Attacks.Stage;

/// <summary>What the attacked system differs in from the one that all attacks share.</summary>
internal sealed record SystemOptions
{
    public static readonly SystemOptions Default = new();

    /// <summary>What the API may open at most; null: as many as this process.</summary>
    public int? Descriptors { get; init; }

    /// <summary>A broker and a worker that runs the tools.</summary>
    public bool Tools { get; init; }

    /// <summary>How long an honest user rests after a turn.</summary>
    public TimeSpan HonestPause { get; init; } = TimeSpan.FromMilliseconds(150);

    public IReadOnlyDictionary<string, string> Knobs { get; init; } = new Dictionary<string, string>();

    public SystemOptions With(IEnumerable<KeyValuePair<string, string>> more)
    {
        var all = new Dictionary<string, string>(Knobs);
        foreach (var (name, value) in more)
        {
            all[name] = value;
        }

        return this with { Knobs = all };
    }
}

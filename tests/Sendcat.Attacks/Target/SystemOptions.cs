namespace Sendcat.Attacks.Target;

/// <summary>The options of an attacked system.</summary>
internal sealed record SystemOptions
{
    public static readonly SystemOptions Default = new();

    /// <summary>The maximum number of file descriptors of the API; null: that of this process.</summary>
    public int? Descriptors { get; init; }

    /// <summary>Whether a broker and a worker are started, which execute the tools.</summary>
    public bool Tools { get; init; }

    /// <summary>The pause of an honest user between two turns.</summary>
    public TimeSpan HonestPause { get; init; } = TimeSpan.FromMilliseconds(150);

    public IReadOnlyDictionary<string, string> Knobs { get; init; } = new Dictionary<string, string>();

    /// <summary>Adds knobs; they replace knobs of the same name.</summary>
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

namespace Sendcat.Attacks.Fuzz;

/// <summary>Somebody whom the fuzzer speaks for, with what belongs to them: it is behind the ownership checks with this.</summary>
internal sealed class FuzzIdentity
{
    public string? Session { get; init; }

    public string? Bearer { get; init; }

    public string? RefreshToken { get; init; }

    public List<string> Threads { get; } = [];

    public List<string> Messages { get; } = [];

    public List<string> Others { get; } = [];
}

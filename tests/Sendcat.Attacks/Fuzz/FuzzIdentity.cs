namespace Sendcat.Attacks.Fuzz;

/// <summary>A guest or user whose credentials and resources the fuzzer uses, so that its requests pass the ownership checks.</summary>
internal sealed class FuzzIdentity
{
    public string? Session { get; init; }

    public string? Bearer { get; init; }

    public string? RefreshToken { get; init; }

    public List<string> Threads { get; } = [];

    public List<string> Messages { get; } = [];

    public List<string> ShareTokens { get; } = [];
}

namespace Sendcat.TestKit.Processes;

/// <summary>A program to be run as a child of the test host.</summary>
public sealed record ProcessSpec(string FileName, params IReadOnlyList<string> Arguments)
{
    /// <summary>Added to the environment of the test host; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public string? WorkingDirectory { get; init; }

    /// <summary>The account to run as when the test host is root; ignored otherwise.</summary>
    public string? UserWhenRoot { get; init; }

    /// <summary>Where all lines of both outputs are appended; null keeps the last ones in memory only.</summary>
    public string? LogFile { get; init; }
}

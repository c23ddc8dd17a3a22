namespace Sendcat.TestKit.Processes;

/// <summary>A program to run as a child process of the test host.</summary>
public sealed record ProcessSpec(string FileName, params IReadOnlyList<string> Arguments)
{
    /// <summary>Variables that are added to the environment of the test host. A null value removes the variable.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public string? WorkingDirectory { get; init; }

    /// <summary>The account under which the program runs when the test host is root; otherwise it is ignored.</summary>
    public string? UserWhenRoot { get; init; }

    /// <summary>The file to which all lines of stdout and stderr are appended; null: the last lines stay in memory only.</summary>
    public string? LogFile { get; init; }
}

namespace Sendcat.KillRig.Ledger;

/// <summary>What is to become of a question, by the last letter of its nonce.</summary>
internal enum Fate
{
    /// <summary>n: answered at once.</summary>
    Normal,

    /// <summary>f: the upstream fails as often as one attempt asks, then answers.</summary>
    Flaky,

    /// <summary>r: the upstream refuses it; another attempt could not help.</summary>
    Refused,

    /// <summary>c: the turn gives it up soon.</summary>
    GivenUp,

    /// <summary>p: kills the worker that asks.</summary>
    Poison,
}

/// <summary>Nonces travel from the submitter through the job to the upstream and, inside the result, back.</summary>
internal static class Question
{
    public const string Prefix = "rig-";

    public static string Nonce(int submitter, int processId, int number, Fate fate) => $"{Prefix}{submitter}-{processId}-{number}-{Letter(fate)}";

    public static Fate FateOf(string nonce) => nonce[^1] switch { 'f' => Fate.Flaky, 'r' => Fate.Refused, 'c' => Fate.GivenUp, 'p' => Fate.Poison, _ => Fate.Normal };

    /// <summary>How an execution is named inside its result.</summary>
    public static string Title(long execution, string nonce) => $"exec:{execution}:{nonce}";

    /// <returns>The number of the execution that a result comes from; empty when there is none.</returns>
    public static string ExecutionIn(string result)
    {
        var start = result.IndexOf("exec:", StringComparison.Ordinal) + 5;
        return start < 5 ? "" : result[start..result.IndexOf(':', start)];
    }

    private static char Letter(Fate fate) => fate switch { Fate.Flaky => 'f', Fate.Refused => 'r', Fate.GivenUp => 'c', Fate.Poison => 'p', _ => 'n' };
}

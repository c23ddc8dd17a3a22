namespace Sendcat.KillRig.Ledger;

/// <summary>The intended result of a search request. The last letter of the nonce encodes it.</summary>
internal enum Fate
{
    /// <summary>n: the upstream responds at once.</summary>
    Normal,

    /// <summary>f: the upstream fails all requests of the first attempt, then responds.</summary>
    Flaky,

    /// <summary>r: the upstream rejects the request with 400, which is not retried.</summary>
    Refused,

    /// <summary>c: the turn may cancel the job.</summary>
    GivenUp,

    /// <summary>p: the worker that sends the request is killed.</summary>
    Poison,
}

/// <summary>Creates and parses nonces. A nonce passes from the submitter through the job to the upstream, and returns inside the result.</summary>
internal static class Question
{
    public const string Prefix = "rig-";

    public static string Nonce(int submitter, int processId, int number, Fate fate) => $"{Prefix}{submitter}-{processId}-{number}-{Letter(fate)}";

    public static Fate FateOf(string nonce) => nonce[^1] switch { 'f' => Fate.Flaky, 'r' => Fate.Refused, 'c' => Fate.GivenUp, 'p' => Fate.Poison, _ => Fate.Normal };

    /// <summary>The title that identifies an execution inside its result.</summary>
    public static string Title(long execution, string nonce) => $"exec:{execution}:{nonce}";

    /// <returns>The number of the execution that produced the result; empty when the result contains none.</returns>
    public static string ExecutionIn(string result)
    {
        var start = result.IndexOf("exec:", StringComparison.Ordinal) + 5;
        return start < 5 ? "" : result[start..result.IndexOf(':', start)];
    }

    private static char Letter(Fate fate) => fate switch { Fate.Flaky => 'f', Fate.Refused => 'r', Fate.GivenUp => 'c', Fate.Poison => 'p', _ => 'n' };
}

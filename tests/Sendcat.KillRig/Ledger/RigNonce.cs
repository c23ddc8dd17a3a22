namespace Sendcat.KillRig.Ledger;

/// <summary>The intended result of a search request. The last letter of the nonce encodes it.</summary>
internal enum Intent
{
    /// <summary>n: the upstream responds at once.</summary>
    Normal,

    /// <summary>f: the upstream fails all requests of the first attempt, then responds.</summary>
    Flaky,

    /// <summary>r: the upstream rejects the request with 400, which is not retried.</summary>
    Refused,

    /// <summary>c: the turn may cancel the job.</summary>
    Cancellable,

    /// <summary>p: the worker that sends the request is killed.</summary>
    Poison,
}

/// <summary>
/// Creates and parses nonces. A nonce passes from the submitter through the job to the upstream, and returns inside the result.
/// </summary>
internal static class RigNonce
{
    public const string Prefix = "rig-";

    public static string Create(int submitter, int processId, int number, Intent intent) =>
        $"{Prefix}{submitter}-{processId}-{number}-{Suffix(intent)}";

    public static Intent IntentOf(string nonce) =>
        nonce[^1] switch
        {
            'f' => Intent.Flaky,
            'r' => Intent.Refused,
            'c' => Intent.Cancellable,
            'p' => Intent.Poison,
            _ => Intent.Normal,
        };

    /// <summary>The title that identifies an execution inside its result.</summary>
    public static string Title(long execution, string nonce) => $"exec:{execution}:{nonce}";

    /// <returns>The number of the execution that produced the result; empty when the result contains none.</returns>
    public static string ExecutionIn(string result)
    {
        var start = result.IndexOf("exec:", StringComparison.Ordinal) + 5;
        return start < 5 ? "" : result[start..result.IndexOf(':', start)];
    }

    private static char Suffix(Intent intent) =>
        intent switch { Intent.Flaky => 'f', Intent.Refused => 'r', Intent.Cancellable => 'c', Intent.Poison => 'p', _ => 'n' };
}

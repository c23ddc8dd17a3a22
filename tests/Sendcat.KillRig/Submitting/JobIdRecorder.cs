using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Submitting;

/// <summary>
/// Writes the id of each queued job to the ledger as soon as the client logs it, because a submitter may be killed before its turn ends.
/// </summary>
internal sealed class JobIdRecorder(LedgerFile ledger) : ILoggerProvider, ILogger
{
    /// <summary>The event of <c>ToolJobLog</c> that contains the job id.</summary>
    private const int WaitingForJob = 2710;

    private static readonly AsyncLocal<string?> CurrentNonce = new();

    /// <summary>Sets the nonce of the current turn.</summary>
    public static void SetNonce(string nonce) => CurrentNonce.Value = nonce;

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == WaitingForJob && CurrentNonce.Value is { } nonce && state is IReadOnlyList<KeyValuePair<string, object?>> values)
        {
            ledger.Write("entered", nonce, $"{values.First(it => it.Key == "Job").Value}");
        }
    }

    public void Dispose()
    {
        // The service container disposes of the ledger.
    }
}
